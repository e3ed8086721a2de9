import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { KubeClient } from '../../../kube/client.ts';
import { EmbeddedServer } from '../embedded-server.ts';
import type { EmbeddedServerOptions, User } from '../embedded-server.ts';

export const ADMIN: User = { name: 'tiangong:admin', groups: ['system:masters', 'system:authenticated'] };

export function userNamed(role: string): User {
  return { name: `tiangong:${role}`, groups: ['system:authenticated'] };
}

export interface TestServer {
  readonly server: EmbeddedServer;
  readonly admin: KubeClient;
  client(user: User): KubeClient;
  /** Closes the server and opens another one on the same data. */
  restart(): Promise<void>;
  /** Closes the server and removes its data. */
  stop(): Promise<void>;
}

/** An embedded server with the product's CRDs on a folder of its own. */
export async function startTestServer(options: Partial<EmbeddedServerOptions> = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tiangong-apiserver-'));
  const crds = join(import.meta.dirname, '../../../crds');
  const open = (): Promise<EmbeddedServer> =>
    EmbeddedServer.open({
      dataDir,
      tokens: new Map(),
      crdFiles: ['deploytasks', 'agents', 'syncsources', 'syncpushers', 'synctasks'].map((name) =>
        join(crds, `${name}.yaml`),
      ),
      logger: pino({ level: 'silent' }),
      ...options,
    });
  let server = await open();
  const client = (user: User): KubeClient => new KubeClient(server.transport(user));
  let admin = client(ADMIN);
  return {
    get server() {
      return server;
    },
    get admin() {
      return admin;
    },
    client,
    restart: async () => {
      await server.close();
      server = await open();
      admin = client(ADMIN);
    },
    stop: async () => {
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
