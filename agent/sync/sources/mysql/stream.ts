import type { Logger } from 'pino';
import { currentPosition } from '../../../executors/mysql/binlog/current-position.ts';
import { EventStream, isHeartbeat } from '../../../executors/mysql/binlog/event-stream.ts';
import { EventType } from '../../../executors/mysql/binlog/events/event-type.ts';
import type { LogEvent } from '../../../executors/mysql/binlog/events/log-event.ts';
import { eventsOfPayload } from '../../../executors/mysql/binlog/events/transaction-payload.ts';
import { LogConnection } from '../../../executors/mysql/binlog/transport/log-connection.ts';
import type { StreamStart, WantedFields } from '../../source.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import type { BinlogPosition } from '../../../executors/mysql/binlog/binlog-position.ts';
import { asSourceError } from './failure.ts';
import { LogEntries } from './log/log-entries.ts';
import { PresentColumns } from './log/present-columns.ts';
import { StatementsAhead } from './log/statements-ahead.ts';
import { resolveStart } from './log/stream-start.ts';
import { TablePlans } from './log/table-plans.ts';
import { unloggedCascades } from './log/unlogged-cascades.ts';
import { readServerFacts, requireRowLog } from './server-facts.ts';
import { ServerSession } from './server-session.ts';
import type { MysqlSettings } from './settings.ts';
import { TableShapes } from './table-shapes.ts';
import { CharsetDecoders } from './values/charset-decoder.ts';

/** Entries that are given at once, about. */
const BATCH = 500;
/** Entries of so many bytes of an unpacked log are given at once, about. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** A snapshot waits for the stream to get to where it has read: on an idle server no longer than this. */
const HEARTBEAT_MS = 500;

/** The changes of a server's log (`Source.stream`). */
export async function* streamLog(
  settings: MysqlSettings,
  start: StreamStart,
  options: { readonly wanted: WantedFields; readonly signal: AbortSignal; readonly logger: Logger },
): AsyncGenerator<readonly StreamEntry[], void> {
  const { signal, wanted, logger } = options;
  const { filter, target } = settings;
  const questions = new ServerSession(settings);
  let connection: LogConnection | undefined;
  const stop = (): void => questions.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    const session = await questions.get();
    const { facts, from } = await questions.inTime(async () => {
      const found = await readServerFacts(session);
      requireRowLog(found);
      const cascades = await unloggedCascades(session, found, filter);
      if (cascades.length > 0)
        logger.warn({ tables: cascades }, 'foreign keys change rows of these tables, which this server does not log');
      const end = (): Promise<BinlogPosition> => currentPosition(session);
      return { facts: found, from: await resolveStart(start, found, { session, now: end }) };
    });
    connection = await LogConnection.open(target, from.log, { heartbeatMs: HEARTBEAT_MS });
    const stream = new EventStream(connection, from.place);
    const shapes = new TableShapes(questions);
    const now = async (): Promise<BinlogPosition> => {
      const asked = await questions.get();
      return questions.inTime(() => currentPosition(asked));
    };
    const ahead = new StatementsAhead((place) => LogConnection.open(target, place), signal);
    const context = { server: connection, filter, wanted, decoders: new CharsetDecoders(), shapes };
    const present = new PresentColumns({ shapes, ahead, now });
    const entries: LogEntries = new LogEntries({
      plans: new TablePlans({ ...context, present, place: () => entries.boundary }),
      ...{ filter, logger, server: facts.server, gtids: from.gtids, shift: from.shift, skipUntil: from.skipUntil },
      ...{ place: () => stream.position, afterIndex: from.index },
    });
    let event: LogEvent | undefined = await stream.next(signal);
    yield [{ index: from.index, position: from.position }];
    for (;;) {
      for (; event !== undefined && entries.count < BATCH; event = stream.waiting()) {
        if (event.type === EventType.TransactionPayload) {
          // All of a transaction but its GTID, compressed: unpacked it may be far more than fits into memory.
          let bytes = 0;
          for await (const inner of eventsOfPayload(event.body)) {
            const taking = entries.take(inner);
            if (taking !== undefined) await taking;
            bytes += inner.body.length;
            if (entries.count < BATCH && bytes < BATCH_BYTES) continue;
            bytes = 0;
            const part = entries.drain();
            if (part.length > 0) yield part;
          }
        } else {
          const taking = take(event, entries);
          if (taking !== undefined) await taking;
        }
        entries.passed();
      }
      const batch = entries.drain();
      if (batch.length > 0) yield batch;
      signal.throwIfAborted();
      event ??= await stream.next(signal);
    }
  } catch (err) {
    if (signal.aborted) return;
    throw asSourceError(err, settings);
  } finally {
    signal.removeEventListener('abort', stop);
    connection?.close();
    await questions.close();
  }
}

function take(event: LogEvent, entries: LogEntries): Promise<void> | undefined {
  if (isHeartbeat(event)) {
    entries.rest();
    return undefined;
  }
  return entries.take(event);
}
