import { showPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { LogStart } from '../../../../executors/mysql/binlog/transport/dump-command.ts';
import { quoteText } from '../../../../executors/mysql/backup/quote.ts';
import type { RowSource } from '../../../../executors/mysql/backup/table-facts.ts';
import { PositionLostError } from '../../../source.ts';
import type { StreamStart } from '../../../source.ts';
import type { SourcePosition } from '../../../stream-entry.ts';
import type { ServerFacts } from '../server-facts.ts';
import { GtidSet } from './gtid-set.ts';
import { indexOf, isBehind, placeOf, readFrom, readPosition } from './position.ts';
import type { MysqlPosition } from './position.ts';

/** Where a stream begins. */
export interface ResolvedStart {
  readonly log: LogStart;
  /** Known so far. */
  readonly place: BinlogPosition;
  readonly gtids: GtidSet | undefined;
  /** See `MysqlPosition`; undefined: it follows from the first place in a log that is another server's. */
  readonly shift: number | undefined;
  /** See `LogEntriesOptions`. */
  readonly skipUntil?: BinlogPosition;
  /** Of the first entry. */
  readonly index: number;
  readonly position: SourcePosition;
}

const NOWHERE: BinlogPosition = { file: '', position: 4 };

export interface StartTools {
  readonly session: RowSource;
  /** Where the log ends. */
  readonly now: () => Promise<BinlogPosition>;
}

/** Rejects with `PositionLostError` when the log does not hold all that comes behind the checkpoint, or as the session does. */
export async function resolveStart(
  { checkpoint, afterIndex }: StreamStart,
  facts: ServerFacts,
  tools: StartTools,
): Promise<ResolvedStart> {
  if (checkpoint === undefined) {
    const place = await tools.now();
    const shift = Math.max(afterIndex + 1 - indexOf(place), 0);
    const from = facts.hasGtids ? await fromNow(facts, tools) : fromPlace(place, facts);
    return {
      ...from,
      position: { ...from.position, ...(shift > 0 && { shift }) },
      shift,
      index: Math.max(afterIndex + 1, 0),
    };
  }
  const index = Math.max(checkpoint.index, 0);
  const position = readPosition(checkpoint.position);
  if (position === undefined) throw new PositionLostError('the checkpoint is none of a log of MySQL');
  await requireReached(position, facts, tools);
  const { gtid } = position;
  if (gtid !== undefined && facts.hasGtids) {
    const gtids = await requireGtids(gtid, tools.session);
    const begin = { log: { gtids: gtids.encode() }, place: NOWHERE, gtids, position: checkpoint.position };
    if (position.server === facts.server) return { ...begin, shift: position.shift ?? 0, index };
    // Another log has the same changes at other places: only above all that the consumer has is none taken for one that it has.
    return { ...begin, shift: undefined, index: Math.max(index, afterIndex) };
  }
  const { shift = 0 } = position;
  const place = requirePlace(position, facts);
  const from = readFrom(checkpoint.position);
  return {
    ...fromPlace(from ?? place, facts),
    ...{ position: checkpoint.position, shift, index },
    ...(from !== undefined && { skipUntil: place }),
  };
}

type Begin = Omit<ResolvedStart, 'index' | 'shift'>;

const fromPlace = (place: BinlogPosition, { server }: ServerFacts): Begin => ({
  ...{ log: place, place, gtids: undefined, position: { file: place.file, pos: place.position, server } },
});

async function fromNow({ server }: ServerFacts, { session }: StartTools): Promise<Begin> {
  const [row] = await session.rows('SELECT @@GLOBAL.gtid_executed AS executed');
  const gtids = GtidSet.parse(row?.['executed'] ?? '');
  // Where that is in the log nobody can say: what is about to commit is in the log already, and not in the set.
  return { log: { gtids: gtids.encode() }, place: NOWHERE, gtids, position: { gtid: gtids.toString(), server } };
}

/** A log that ends before was begun anew, whatever numbers its transactions have. */
async function requireReached(position: MysqlPosition, { server }: ServerFacts, { now }: StartTools): Promise<void> {
  const place = placeOf(position);
  if (place === undefined || position.server !== server || isBehind(await now(), place)) return;
  throw new PositionLostError(
    `the server's log does not reach to the checkpoint (${showPosition(place)}): it was reset, or the server was restored`,
  );
}

/** The server must have executed all of it, and still have all that it has executed beyond. */
async function requireGtids(gtid: string, session: RowSource): Promise<GtidSet> {
  let gtids: GtidSet;
  try {
    gtids = GtidSet.parse(gtid);
  } catch (err) {
    throw new PositionLostError('the checkpoint holds no set of GTIDs', { cause: err });
  }
  const had = quoteText(gtids.toString());
  const [row] = await session.rows(
    `SELECT GTID_SUBSET(${had}, @@GLOBAL.gtid_executed) AS known, GTID_SUBTRACT(@@GLOBAL.gtid_purged, ${had}) AS missing`,
  );
  if (row?.['known'] !== '1')
    throw new PositionLostError(
      'the server does not know all transactions of the checkpoint: its log was reset, or it is another server',
    );
  const missing = row['missing'] ?? '';
  if (missing !== '')
    throw new PositionLostError(`the server has purged transactions that come behind the checkpoint: ${missing}`);
  return gtids;
}

function requirePlace(position: MysqlPosition, { server, hasGtids }: ServerFacts): BinlogPosition {
  const place = placeOf(position);
  if (place === undefined)
    throw new PositionLostError('the checkpoint holds GTIDs only, and the server no longer has any (gtid_mode)');
  if (position.server !== server)
    throw new PositionLostError(
      `the checkpoint is of the server ${position.server}, and this is ${server}: without GTIDs${hasGtids ? ' in it' : ''} a place in the log of one means nothing in that of another`,
    );
  return place;
}
