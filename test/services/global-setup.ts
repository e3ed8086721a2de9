import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { SERVICES, SERVICE_NAMES, isOpen } from './known-services.ts';
import type { ServiceName, ServicesOfRun } from './known-services.ts';
import { whyNot } from './prerequisites.ts';
import { runScript } from './script.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    services: ServicesOfRun;
  }
}

/** Finds out which servers the tests can have; each is started by the first test that asks. Stops what this run started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'tiangong-services-'));
  const startedFile = join(folder, 'started');
  writeFileSync(startedFile, '');
  const available: ServiceName[] = [];
  for (const name of SERVICE_NAMES) {
    // Servers that somebody else started, such as those of compose.yaml, do as well.
    const reason = (await isOpen(SERVICES[name].port)) ? undefined : whyNot(name);
    if (reason === undefined) available.push(name);
    else process.stderr.write(`\n*** NO REAL ${name}: the tests against it are SKIPPED. ${reason}. ***\n`);
  }
  project.provide('services', { available, startedFile });
  return async () => {
    for (const line of readFileSync(startedFile, 'utf8').split('\n').filter(Boolean)) {
      const [name = '', port, verb] = line.split(' ');
      await runScript(name, verb === 'remove' ? 'remove' : 'stop', Number(port));
    }
    rmSync(folder, { recursive: true, force: true });
  };
}
