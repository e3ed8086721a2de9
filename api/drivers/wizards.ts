import { readFileSync } from 'node:fs';

/** How a console asks for a configuration (facts §1.9); a wizard of agent/sync/wizard.ts. */
export type Wizard = Readonly<Record<string, unknown>>;

export interface Wizards {
  /** By the names of drivers. */
  readonly sources: Readonly<Record<string, Wizard>>;
  readonly pushers: Readonly<Record<string, Wizard>>;
}

/** The wizards of the drivers that agents of this version have. `make generate` writes them from agent/sync/. */
export function readWizards(): Wizards {
  return JSON.parse(readFileSync(new URL('wizards.json', import.meta.url), 'utf8')) as Wizards;
}
