import { setTimeout as sleep } from 'node:timers/promises';
import type { WireRow } from '../row-key.ts';
import type { Random } from './random.ts';
import type { WriterWorld } from './writer-world.ts';

/** A connection that is in one transaction at most. */
export interface SqlConnection {
  run(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export interface SqlPlace {
  readonly source: WriterWorld['source'];
  readonly login: Readonly<Record<string, string>>;
  /** The event_schema of its events. */
  readonly schema: string;
  /** One for each writer, and one more. */
  readonly connections: readonly SqlConnection[];
  close(): Promise<void>;
}

/** Rows at the beginning: a snapshot in small pushes takes seconds. */
const KEYS = 800;
/** Transactions that stay open for a moment are in the log long after others that began later. */
const MAX_PAUSE_MS = 30;
const TABLES = ['items', 'clocks'] as const;

/**
 * Two tables with the same keys: `clocks` has a row for each that is never deleted, whose version rises with every change; `items` has
 * the row itself, which comes and goes with the clock's version.
 */
export async function sqlWorld(place: SqlPlace): Promise<WriterWorld> {
  const { connections, schema } = place;
  const [admin, ...writers] = connections;
  if (admin === undefined) throw new Error('no connection');
  const columns = 'id INT PRIMARY KEY, version BIGINT NOT NULL, note VARCHAR(64) NOT NULL';
  const ids = Array.from({ length: KEYS }, (_, id) => `(${id}, 1, 'first')`).join(', ');
  for (const table of TABLES) {
    await admin.run(`CREATE TABLE ${table} (${columns})`);
    await admin.run(`INSERT INTO ${table} VALUES ${ids}`);
  }
  return {
    source: place.source,
    login: place.login,
    rowKeys: { keys: ['id'], version: 'version' },
    change: async (writer, random) => {
      const connection = writers[writer];
      if (connection === undefined) throw new Error(`there is no writer ${writer}`);
      await changeRows(connection, random);
    },
    rows: async () => {
      const rows = new Map<string, string>();
      for (const table of TABLES)
        for (const row of await admin.run(`SELECT id, version, note FROM ${table}`))
          rows.set(JSON.stringify([schema, table, Number(row['id'])]), shown(row));
      return rows;
    },
    shown,
    close: () => place.close(),
  };
}

const shown = (row: WireRow): string => JSON.stringify([Number(row['id']), Number(row['version']), row['note']]);

/** One transaction on up to three keys, which is sometimes rolled back. */
async function changeRows(connection: SqlConnection, random: Random): Promise<void> {
  // In one order, so that no two writers wait for each other.
  const keys = [...new Set(Array.from({ length: 1 + random.below(3) }, () => random.below(KEYS)))].sort(
    (a, b) => a - b,
  );
  await connection.run('START TRANSACTION');
  for (const id of keys) {
    const [clock] = await connection.run(`SELECT version FROM clocks WHERE id = ${id} FOR UPDATE`);
    const version = Number(clock?.['version']) + 1;
    await connection.run(`UPDATE clocks SET version = ${version} WHERE id = ${id}`);
    await changeItem(connection, id, version, random);
  }
  if (random.chance(0.5)) await sleep(random.below(MAX_PAUSE_MS));
  await connection.run(random.chance(0.1) ? 'ROLLBACK' : 'COMMIT');
}

async function changeItem(connection: SqlConnection, id: number, version: number, random: Random): Promise<void> {
  const [item] = await connection.run(`SELECT id FROM items WHERE id = ${id}`);
  if (item === undefined)
    await connection.run(`INSERT INTO items VALUES (${id}, ${version}, 'again ${random.below(1000)}')`);
  else if (random.chance(0.25)) await connection.run(`DELETE FROM items WHERE id = ${id}`);
  else await connection.run(`UPDATE items SET version = ${version}, note = 'v${version}' WHERE id = ${id}`);
}
