import { quoteTable } from '../../../../executors/mysql/backup/quote.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import { currentPosition } from '../../../../executors/mysql/binlog/current-position.ts';
import type { MysqlSession } from '../../../../executors/mysql/session/session.ts';
import { GtidSet } from '../log/gtid-set.ts';
import type { ServerFacts } from '../server-facts.ts';
import type { ServerSession } from '../server-session.ts';
import type { MysqlSettings } from '../settings.ts';
import { readMarks } from './marks.ts';
import type { ReadMarks } from './marks.ts';

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A read that has begun: what it sees is settled. */
export interface BegunRead {
  /** On which to read. */
  readonly session: MysqlSession;
  /** To be asked for when the first row is there, or the last. */
  marks(): Promise<ReadMarks>;
  /** When all is read, or nothing more is wanted. */
  end(): Promise<void>;
}

/** Settles what the next read of a table sees, so that it can be told by transactions. */
export type MarkedRead = (table: TableName) => Promise<BegunRead>;

export interface MarkTools {
  readonly settings: MysqlSettings;
  readonly facts: ServerFacts;
  /** On which rows are read. */
  readonly sessions: ServerSession;
  /** On which the log's end is asked for, and tables are locked. */
  readonly others: ServerSession;
}

const SNAPSHOT = 'START TRANSACTION WITH CONSISTENT SNAPSHOT';

/** By what the server has: GTIDs, MariaDB's consistent positions, a marker row, else a lock of an instant. */
export function markedRead(tools: MarkTools): MarkedRead {
  const { facts, settings } = tools;
  if (facts.hasGtids) return () => byGtids(tools);
  if (facts.flavour === 'mariadb') return () => bySnapshotPosition(tools);
  const hasOrder = facts.variables.get('binlog_order_commits') !== 'OFF';
  return settings.marker !== undefined && hasOrder ? () => byMarker(tools) : (table) => byLock(tools, table);
}

/** What the server has executed is visible; what is visible stands in the log already. */
async function byGtids({ sessions, others, facts: { server } }: MarkTools): Promise<BegunRead> {
  const session = await sessions.get();
  const [row] = await session.rows('SELECT @@GLOBAL.gtid_executed AS executed');
  const seen = GtidSet.parse(row?.['executed'] ?? '');
  return { session, marks: () => marksUntilNow({ server, seen }, others), end: () => Promise.resolve() };
}

async function marksUntilNow(
  known: { readonly server: string; readonly seen: GtidSet | BinlogPosition },
  others: ServerSession,
): Promise<ReadMarks> {
  return readMarks({ ...known, until: await currentPosition(await others.get()) });
}

/** MariaDB tells which place in the log a consistent snapshot is of. */
async function bySnapshotPosition({ sessions, facts: { server } }: MarkTools): Promise<BegunRead> {
  const session = await sessions.get();
  await session.query(SNAPSHOT);
  const seen = await snapshotPosition(session);
  return {
    session,
    marks: () => Promise.resolve(readMarks({ server, seen, until: seen })),
    end: () => commit(session),
  };
}

async function commit(session: MysqlSession): Promise<void> {
  await session.query('COMMIT');
}

/** Where the consistent snapshot of a session of MariaDB stands in the log. */
export async function snapshotPosition(session: MysqlSession): Promise<BinlogPosition> {
  const rows = await session.rows("SHOW STATUS LIKE 'binlog_snapshot_%'");
  const values = new Map(rows.map((row) => [String(row['Variable_name']).toLowerCase(), row['Value'] ?? '']));
  return {
    file: values.get('binlog_snapshot_file') ?? '',
    position: Number(values.get('binlog_snapshot_position') ?? 0),
  };
}

/** A commit of ours is visible after all that stand before it in the log (binlog_order_commits). */
async function byMarker({ sessions, others, settings, facts: { server } }: MarkTools): Promise<BegunRead> {
  const session = await sessions.get();
  const { schema = '', table = '' } = settings.marker ?? {};
  const seen = await currentPosition(session);
  await session.query(
    `INSERT INTO ${quoteTable(schema, table)} (id, written) VALUES (1, 1) ON DUPLICATE KEY UPDATE written = written + 1`,
  );
  return { session, marks: () => marksUntilNow({ server, seen }, others), end: () => Promise.resolve() };
}

/** While the table is locked nobody is about to commit a change of it: what stands in the log is visible. */
async function byLock({ sessions, others, facts: { server } }: MarkTools, name: TableName): Promise<BegunRead> {
  const session = await sessions.get();
  const lock = await others.get();
  await lock.query(`LOCK TABLES ${quoteTable(name.schema, name.table)} READ`);
  let seen: BinlogPosition;
  try {
    await session.query(SNAPSHOT);
    seen = await currentPosition(session);
  } finally {
    await lock.query('UNLOCK TABLES');
  }
  return {
    session,
    marks: () => Promise.resolve(readMarks({ server, seen, until: seen })),
    end: () => commit(session),
  };
}
