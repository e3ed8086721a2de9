import { createServer } from 'mysql2';
import type { Connection } from 'mysql2';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { writeAudit, writeOne, writeProcesses } from './answer-rows.ts';
import { runText } from './engine.ts';
import type { Behaviour, Progress } from './engine-run.ts';

/** A query that the stand-in was given, whole. */
export interface SeenQuery {
  readonly connection: number;
  readonly text: string;
}

interface Client {
  readonly id: number;
  readonly connection: Connection;
  /** Only then the process list shows what it does. */
  queried: boolean;
  killed: boolean;
  /** Its text goes on all the same, and can be killed. */
  gone: boolean;
  progress: Progress | undefined;
  since: number;
}

const VERSION = '5.7.10-TiDB-None';
const UTF8MB4_BIN = 46;
/** As TiDB has them: 4.1 protocol, secure connection, plugin authentication, no TLS. */
const CAPABILITIES = 0x8a28f;

/**
 * Stands for goInception in tests: its protocol and answers as facts §3 has them, for statements that it executes on the
 * real server that a text names.
 */
export class GoInceptionStandIn {
  readonly #server: NetServer;
  readonly #clients = new Map<number, Client>();
  readonly #running = new Set<Promise<void>>();
  readonly seen: SeenQuery[] = [];
  /** May be changed at any time. */
  behaviour: Behaviour;
  #lastId = 0;

  private constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
    // The driver's own server listens on every address of the machine; the one below it need not.
    const server = createServer((connection) => this.#accept(connection));
    this.#server = (server as unknown as { _server: NetServer })._server;
  }

  static async start(behaviour: Behaviour = {}): Promise<GoInceptionStandIn> {
    const standIn = new GoInceptionStandIn(behaviour);
    await new Promise<void>((resolve) => {
      standIn.#server.listen(0, '127.0.0.1', resolve);
    });
    return standIn;
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** The texts between the magic words that it was given. */
  get texts(): readonly string[] {
    return this.seen.map(({ text }) => text).filter((text) => text.includes('inception_magic_start'));
  }

  /** Waits until nothing that clients began goes on. */
  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Waits no more for what hangs. */
  forget(): void {
    this.#running.clear();
  }

  /** Breaks every connection; what it does for them goes on. */
  dropClients(): void {
    for (const { connection } of this.#clients.values()) connection.destroy();
  }

  async close(): Promise<void> {
    this.dropClients();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(connection: Connection): void {
    const id = (this.#lastId += 1);
    const client: Client = {
      id,
      connection,
      queried: false,
      killed: false,
      gone: false,
      progress: undefined,
      since: 0,
    };
    this.#clients.set(id, client);
    // A client that is gone needs no answer.
    connection.on('error', () => undefined);
    (connection as unknown as { stream: NodeJS.EventEmitter }).stream.on('close', () => {
      client.gone = true;
      if (client.progress === undefined) this.#clients.delete(id);
    });
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: VERSION,
      connectionId: id,
      statusFlags: 2,
      characterSet: UTF8MB4_BIN,
      capabilityFlags: CAPABILITIES,
      authCallback: ({ database }: { database?: string }, done: (err: null, problem?: object) => void) => {
        // It takes any login, and knows no database of its own.
        queueMicrotask(() => (connection.sequenceId = 0));
        if (database === undefined || database === '') done(null);
        else done(null, { code: 1049, message: `Unknown database '${database}'` });
      },
    });
    connection.on('query', (text: string) => {
      connection.sequenceId = 1;
      const work = this.#query(client, text).finally(() => this.#running.delete(work));
      this.#running.add(work);
    });
    // What the driver takes for a prepared statement; goInception has none.
    connection.on('stmt_prepare', () => {
      connection.sequenceId = 1;
      connection.writeError({ code: 1105, message: 'command 22 not supported now' });
      connection.sequenceId = 0;
    });
  }

  async #query(client: Client, text: string): Promise<void> {
    this.seen.push({ connection: client.id, text });
    const { connection } = client;
    const kill = /^\s*kill\s+(\d+)\s*;?\s*$/i.exec(text)?.[1];
    if (kill !== undefined) {
      const killed = this.#clients.get(Number(kill));
      if (killed !== undefined) killed.killed = true;
      connection.writeOk();
    } else if (/^\s*select\s+1\s*;?\s*$/i.test(text)) writeOne(connection);
    else if (/^\s*inception\s+show\s+processlist\s*;?\s*$/i.test(text)) writeProcesses(connection, this.#processes());
    else await this.#audit(client, text);
    client.queried = true;
    // The next query begins anew; the driver's server does not see to that.
    connection.sequenceId = 0;
  }

  async #audit(client: Client, text: string): Promise<void> {
    const { connection } = client;
    const progress: Progress = {
      ...{ state: 'CHECKING', command: '', destination: undefined, done: 0, total: 0, info: '' },
      isKilled: () => client.killed,
      dropClient: () => connection.destroy(),
    };
    client.progress = progress;
    client.since = Date.now();
    const rows = await runText(text, progress, this.behaviour);
    client.progress = undefined;
    if (client.gone) {
      this.#clients.delete(client.id);
      return;
    }
    writeAudit(connection, rows, this.behaviour.columns ?? 13);
    if (client.killed) connection.end();
  }

  #processes(): (string | number)[][] {
    return [...this.#clients.values()].map(({ id, queried, progress, since }) => {
      if (!queried) return [0, '', '', 0, '', '', '', 9_223_372_036, '', ''];
      if (progress === undefined) return [id, '', '', 0, '127.0.0.1', '', '', 0, '', ''];
      const { destination, command, state, done, total, info } = progress;
      const percent = total === 0 ? '' : `${((100 * done) / total).toFixed(2)}%`;
      const seconds = Math.floor((Date.now() - since) / 1000);
      return [
        ...[id, destination?.user ?? '', destination?.host ?? '', destination?.port ?? 0, '127.0.0.1'],
        ...[command, state, seconds, info, percent],
      ];
    });
  }
}
