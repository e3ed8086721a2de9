import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HELM_VERSION, KUBECTL_VERSION } from './contents.ts';

/** A program of the image with tools. */
export interface GoProgram {
  readonly name: string;
  readonly version: string;
  /** What was compiled into it. */
  readonly modules: readonly { readonly path: string; readonly version: string }[];
}

const PROGRAMS = [
  ['kubectl', KUBECTL_VERSION],
  ['helm', HELM_VERSION],
] as const;

/** The programs that build-tools.sh left in a folder, by what it wrote of each: the output of `go version -m`. */
export function goPrograms(folder: string): GoProgram[] {
  return PROGRAMS.map(([name, version]) => {
    const modules = new Map<string, string>();
    let path = '';
    for (const line of readFileSync(join(folder, `${name}.modules`), 'utf8').split('\n')) {
      const [, kind, module = '', release = ''] = line.split('\t');
      if (kind === 'dep') modules.set((path = module), release);
      // The line before is replaced by this one.
      if (kind === '=>' && modules.delete(path)) modules.set(module, release);
    }
    return { name, version, modules: [...modules].map(([module, release]) => ({ path: module, version: release })) };
  });
}
