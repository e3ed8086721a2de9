import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it, onTestFailed } from 'vitest';
import { Api } from './api.ts';
import type { Entry } from './api.ts';
import { useServers } from './servers.ts';
import type { ConformanceServer } from './server.ts';

/**
 * Steps against one server. It asserts the essential facts itself, so that it can fail with only one server there; all
 * it saw is compared with what it saw on the other server.
 */
export type Scenario = (api: Api) => Promise<void>;

interface Run {
  readonly transcript: readonly Entry[];
  readonly error: unknown;
}

/** Runs each scenario on the embedded and on the real server and expects the same transcript. */
export function describeConformance(theme: string, scenarios: Readonly<Record<string, Scenario>>): void {
  const servers = useServers();
  const hasReal = inject('cluster') !== null;
  describe(theme, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      // Both runs start with whichever test is first and share the machine's cores.
      const runs: { embedded?: Promise<Run>; real?: Promise<Run> } = {};
      const start = (): void => {
        // A second try of what was seen already could only fail as the first.
        onTestFailed(() => {
          delete runs.embedded;
          delete runs.real;
        });
        const namespace = `conformance-${randomBytes(5).toString('hex')}`;
        const { embedded, real } = servers();
        runs.embedded ??= run(embedded, namespace, scenario);
        if (real !== undefined) runs.real ??= run(real, namespace, scenario);
      };
      describe(name, () => {
        it.skipIf(!hasReal)('holds on a real kube-apiserver', async () => {
          start();
          rethrow(await runs.real);
        });
        it('holds on the embedded server', async () => {
          start();
          rethrow(await runs.embedded);
        });
        it.skipIf(!hasReal)('gives the same answers on both', async () => {
          start();
          const [embedded, real] = await Promise.all([runs.embedded, runs.real]);
          expect(embedded?.transcript.map(({ step }) => step)).toEqual(real?.transcript.map(({ step }) => step));
          real?.transcript.forEach((entry, index) => {
            expect.soft(embedded?.transcript[index], entry.step).toEqual(entry);
          });
        });
      });
    }
  });
}

async function run(server: ConformanceServer, namespace: string, scenario: Scenario): Promise<Run> {
  const api = new Api(server, namespace);
  try {
    await api.post('/api/v1/namespaces', { metadata: { name: namespace } }, { recorded: false });
    await scenario(api);
    return { transcript: api.transcript, error: undefined };
  } catch (error) {
    return { transcript: api.transcript, error };
  } finally {
    await api.end();
  }
}

function rethrow(run: Run | undefined): void {
  if (run?.error !== undefined) throw run.error as Error;
}
