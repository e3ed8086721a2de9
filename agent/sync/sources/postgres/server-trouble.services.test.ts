import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { there } from '../../conformance/world-rows.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { OpenSource } from './testing/open-source.ts';
import { PostgresWorld } from './testing/postgres-world.ts';

const ALL = { wanted: undefined };

describe.skipIf(!hasServices('postgres'))('the source postgres and its server', () => {
  let server: OwnService;
  let admin: Client;
  let world: PostgresWorld;
  let open: OpenSource;
  const { signal } = new AbortController();

  const connect = async (): Promise<Client> => {
    const { host, port, user, password } = server;
    const client = new Client({ host, port, user, password, database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const set = async (setting: string, value: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET ${setting} = '${value}'`);
    await admin.query('SELECT pg_reload_conf()');
  };
  /** An update that waits for a standby. The server takes a moment to begin to wait, and commits some at once before. */
  const waitingUpdate = async (): Promise<{ readonly version: number; readonly waiting: Promise<unknown> }> => {
    const client = await world.clients.connect();
    await client.query('SET synchronous_commit = on');
    for (let version = 2; ; version += 1) {
      let hasEnded = false;
      const waiting = client.query(`UPDATE items SET version = ${version}`).finally(() => {
        hasEnded = true;
      });
      const waits = async (): Promise<boolean> =>
        (await admin.query(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).rows.length > 0;
      await expect.poll(async () => hasEnded || (await waits())).toBe(true);
      if (!hasEnded) return { version, waiting: waiting.then(() => client.release()) };
    }
  };
  const hasVersion =
    (version: number) =>
    (entries: readonly StreamEntry[]): boolean =>
      entries.some(({ event }) => event?.rows[0]?.['version'] === version);

  beforeAll(async () => {
    server = await ownService('postgres', await freePort());
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    admin = await connect();
    world = await PostgresWorld.create(server);
    await world.query('CREATE TABLE items (id integer PRIMARY KEY, version integer); INSERT INTO items VALUES (1, 1)');
    open = new OpenSource(world);
  });
  afterEach(async () => {
    // A test that has failed may have left the server stopped, or so that no commit ends.
    await server.start();
    const settings = await connect();
    await settings.query('ALTER SYSTEM RESET ALL');
    await settings.query('SELECT pg_reload_conf()');
    await settings.end();
    await admin?.end();
    await open?.close();
    await world?.close();
  });

  it('knows that a transaction which the log has already is not visible yet, and waits for it before a snapshot', async () => {
    const reader = await SourceReader.open(open.source);
    const early = await open.source.openSnapshot({ ...ALL, after: reader.checkpoint?.position }, signal);
    // A commit waits for a standby that never comes: it is in the log, and nobody sees it.
    await set('synchronous_standby_names', 'nobody');
    const { version, waiting } = await waitingUpdate();
    await reader.until(hasVersion(version));
    const { transaction } = there(reader.entries.find((entry) => hasVersion(version)([entry])));
    const chunk = there(await early.next(undefined, 10, signal));
    // By positions the old row would be sent behind the new one: all that the chunk saw has come, and more.
    expect(chunk.rows).toEqual([{ id: 1, version: version - 1 }]);
    await expect.poll(() => chunk.isCoveredBy(reader.checkpoint?.position ?? {})).toBe(true);
    expect(chunk.sees(transaction)).toBe(false);

    let isOpen = false;
    const late = open.source.openSnapshot({ ...ALL, after: reader.checkpoint?.position }, signal).then((snapshot) => {
      isOpen = true;
      return snapshot;
    });
    await early.next(undefined, 10, signal);
    expect(isOpen).toBe(false);
    await set('synchronous_standby_names', '');
    await waiting;
    const snapshot = await late;
    const settled = there(await snapshot.next(undefined, 10, signal));
    expect(settled.rows).toEqual([{ id: 1, version }]);
    expect(settled.sees(transaction)).toBe(true);
    await early.close();
    await snapshot.close();
    await reader.stop();
  });

  it('goes on from its checkpoint when the server has gone away and come back', async () => {
    const first = await SourceReader.open(open.source);
    await world.query('UPDATE items SET version = 2');
    await first.until(hasVersion(2));
    const checkpoint = await first.commit();
    await server.stop();
    await expect.poll(() => first.failure).toMatchObject({ reason: 'ConnectionFailed', retryable: true });
    const whileAway = await SourceReader.open(open.source, { checkpoint });
    expect(whileAway.failure).toBeInstanceOf(SourceError);
    await server.start();
    admin = await connect();
    await world.query('UPDATE items SET version = 3');
    const second = await SourceReader.open(open.source, { checkpoint });
    await second.until(hasVersion(3));
    expect(hasVersion(2)(second.entries)).toBe(false);
    await second.stop();
  });

  it('goes on with a standby that was promoted, unless that lacks what was sent', async () => {
    const first = await SourceReader.open(open.source);
    await world.query('UPDATE items SET version = 2');
    await first.until(hasVersion(2));
    const checkpoint = await first.commit();
    await first.stop();
    const { rows } = await admin.query<{ folder: string }>(`SELECT current_setting('data_directory') AS folder`);
    await admin.query(`COPY (SELECT 1 WHERE false) TO '${rows[0]?.folder}/standby.signal'`);
    await server.stop();
    await server.start();
    admin = await connect();
    const asStandby = await SourceReader.open(open.source, { checkpoint });
    expect(asStandby.failure).toMatchObject({ reason: 'ServerIsStandby', retryable: true });
    await admin.query('SELECT pg_promote()');
    await world.query('UPDATE items SET version = 3');
    const second = await SourceReader.open(open.source, { checkpoint });
    await second.until(hasVersion(3));
    const later = await second.commit();
    await second.stop();
    expect(later.position['timeline']).toBe(Number(checkpoint.position['timeline']) + 1);
    // As if the old primary had sent more than the standby had got.
    const position = { ...later.position, timeline: checkpoint.position['timeline'] };
    const { failure } = await SourceReader.open(open.source, { checkpoint: { ...later, position } });
    expect(failure).toBeInstanceOf(PositionLostError);
    expect((failure as Error).message).toContain('does not go through');
  });

  it('reads a chunk again that failed, also when the connection was lost', async () => {
    const snapshot = await open.source.openSnapshot({ ...ALL, after: undefined }, signal);
    await world.query('ALTER TABLE items RENAME TO away');
    await expect(snapshot.next(undefined, 10, signal)).rejects.toBeInstanceOf(SourceError);
    await world.query('ALTER TABLE away RENAME TO items');
    expect((await snapshot.next(undefined, 10, signal))?.rows).toEqual([{ id: 1, version: 1 }]);
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tiangong'`);
    await expect
      .poll(() => snapshot.next(undefined, 10, signal).then((chunk) => chunk?.rows, String))
      .toEqual([{ id: 1, version: 1 }]);
    await snapshot.close();
  });

  it('says that its position is lost when the server has thrown away what it did not read for long', async () => {
    const reader = await SourceReader.open(open.source);
    const checkpoint = await reader.commit();
    await reader.stop();
    await set('max_slot_wal_keep_size', '1MB');
    for (let segment = 0; segment < 4; segment += 1)
      await admin.query(`SELECT pg_logical_emit_message(false, 'test', 'x'); SELECT pg_switch_wal()`);
    await admin.query('CHECKPOINT');
    await expect
      .poll(async () => (await admin.query('SELECT wal_status FROM pg_replication_slots')).rows)
      .toEqual([{ wal_status: 'lost' }]);
    const { failure } = await SourceReader.open(open.source, { checkpoint });
    expect(failure).toBeInstanceOf(PositionLostError);
    expect((failure as Error).message).toContain('max_slot_wal_keep_size');
    await set('max_slot_wal_keep_size', '-1');
    const again = await SourceReader.open(open.source, { afterIndex: checkpoint.index });
    await world.query('UPDATE items SET version = 2');
    await again.until(hasVersion(2));
    await again.stop();
  });

  it('tells the server what it may forget, and nothing before that', async () => {
    const flushed = async (): Promise<unknown> =>
      (await admin.query<{ lsn: string }>('SELECT confirmed_flush_lsn AS lsn FROM pg_replication_slots')).rows[0]?.lsn;
    const reader = await SourceReader.open(open.source);
    const before = await flushed();
    await world.query('UPDATE items SET version = 2');
    await reader.until(hasVersion(2));
    // Several answers of the server later.
    await world.query('UPDATE items SET version = 3');
    await reader.until(hasVersion(3));
    expect(await flushed()).toBe(before);
    const { position } = await reader.commit();
    await expect.poll(flushed).toBe(position['lsn']);
    await reader.stop();
    await open.close();
    expect((await admin.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);
  });

  it('takes the place of an earlier run of the same SyncTask that still reads', async () => {
    const first = await SourceReader.open(open.source);
    const checkpoint = await first.commit();
    const other = new OpenSource(world, {}, open.taskUid);
    const second = await SourceReader.open(other.source, { checkpoint });
    await expect.poll(() => first.failure).toMatchObject({ retryable: true });
    await world.query('UPDATE items SET version = 2');
    await second.until(hasVersion(2));
    await second.stop();
    await other.source.close();
  });
});
