import { setTimeout as delay } from 'node:timers/promises';
import { quoteText } from '../../../../executors/mysql/backup/quote.ts';
import { SourceError } from '../../../source.ts';
import type { SourcePosition } from '../../../stream-entry.ts';
import { isBehind, placeOf, readPosition } from '../log/position.ts';
import type { MysqlPosition } from '../log/position.ts';
import { snapshotPosition } from './marked-read.ts';
import type { MarkTools } from './marked-read.ts';

/** A commit takes no longer between the log and the tables. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 5;

/** Waits until all before a position is visible to reads that begin later (`SnapshotStart.after`). Rejects as the session does. */
export async function untilVisible(
  after: SourcePosition | undefined,
  tools: MarkTools,
  signal: AbortSignal,
): Promise<void> {
  const position = after && readPosition(after);
  if (position === undefined) return;
  const deadline = performance.now() + PATIENCE_MS;
  const isVisible = await visibilityOf(position, tools);
  while (!(await isVisible())) {
    signal.throwIfAborted();
    if (performance.now() > deadline)
      throw new SourceError(
        'ServerChanged',
        `changes that the log has brought are not visible after ${PATIENCE_MS} ms: the snapshot is read from another server that is behind`,
        { retryable: true },
      );
    await delay(PAUSE_MS);
  }
}

/** Under a lock, and behind a marker, all that is in the log is visible anyway. */
async function visibilityOf(position: MysqlPosition, tools: MarkTools): Promise<() => Promise<boolean>> {
  const { facts, sessions } = tools;
  const session = await sessions.get();
  const place = placeOf(position);
  if (facts.hasGtids && position.gtid !== undefined) {
    const gtids = quoteText(position.gtid);
    return async () => {
      const [row] = await session.rows(`SELECT GTID_SUBSET(${gtids}, @@GLOBAL.gtid_executed) AS visible`);
      return row?.['visible'] === '1';
    };
  }
  if (facts.hasGtids) {
    // Whatever is in the log and not visible is still owned by who commits it.
    const owned = async (): Promise<string[]> => {
      const [row] = await session.rows('SELECT @@GLOBAL.gtid_owned AS owned');
      return (row?.['owned'] ?? '').split(/[,\s]+/).filter((name) => name !== '');
    };
    const before = new Set(await owned());
    return async () => (await owned()).every((name) => !before.has(name));
  }
  if (facts.flavour !== 'mariadb' || place === undefined || position.server !== facts.server)
    return () => Promise.resolve(true);
  return async () => {
    await session.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    const at = await snapshotPosition(session);
    await session.query('COMMIT');
    return isBehind(at, place);
  };
}
