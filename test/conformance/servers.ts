import { afterAll, beforeAll, inject } from 'vitest';
import { startEmbedded } from './embedded.ts';
import type { EmbeddedProcess } from './embedded.ts';
import type { Servers } from './server.ts';

let started: Promise<EmbeddedProcess> | undefined;
let users = 0;

/** The servers of this test file: the run's real one and an embedded one, started before the file's first test. */
export function useServers(): () => Servers {
  let servers: Servers | undefined;
  beforeAll(async () => {
    users++;
    started ??= startEmbedded();
    const embedded = await started;
    const cluster = inject('cluster');
    servers = {
      embedded: { kind: 'embedded', url: embedded.url, token: embedded.token },
      real: cluster === null ? undefined : { kind: 'real', url: cluster.url, token: cluster.tokens['admin'] ?? '' },
    };
  });
  afterAll(async () => {
    if (--users === 0) await (await started)?.stop();
  });
  return () => {
    if (servers === undefined) throw new Error('the servers are there only while tests run');
    return servers;
  };
}
