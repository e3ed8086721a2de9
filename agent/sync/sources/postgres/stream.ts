import type { Logger } from 'pino';
import { PositionLostError } from '../../source.ts';
import type { StreamStart, WantedFields } from '../../source.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { EntryBuilder } from './log/entry-builder.ts';
import { fromPosition, LogIndex } from './log/log-index.ts';
import type { LogPlace } from './log/log-index.ts';
import { formatLsn } from './log/lsn.ts';
import type { PostgresConfig } from './server/postgres-config.ts';
import { ensurePublication } from './tables/publication.ts';
import type { Queries } from './server/queries.ts';
import type { ReplicationLink } from './log/replication-link.ts';
import { checkServer } from './server/server-check.ts';
import { Slot } from './log/slot.ts';
import type { TypeCatalog } from './values/type-catalog.ts';
import type { Visibility } from './snapshot/visibility.ts';

export interface StreamParts {
  readonly config: PostgresConfig;
  readonly queries: Queries;
  readonly types: TypeCatalog;
  readonly visibility: Visibility;
  readonly link: ReplicationLink;
  readonly slotName: string;
  readonly logger: Logger;
}

/** The changes from a start on. Ends when the signal aborts. */
export async function* streamChanges(
  parts: StreamParts,
  start: StreamStart,
  wanted: WantedFields,
  signal: AbortSignal,
): AsyncGenerator<readonly StreamEntry[]> {
  const { config, queries, visibility, link, slotName } = parts;
  const { place, last } = await openPlace(parts, start, signal);
  await visibility.begin(signal);
  await link.start(slotName, place.lsn, config.publication);
  const index = new LogIndex(place, last);
  const builder = new EntryBuilder({ ...parts, queries, index, place });
  yield [{ index: last, position: builder.position }];
  for (;;) {
    const messages = await link.next(signal);
    const entries = await builder.build(messages, wanted());
    if (entries.length > 0) yield entries;
  }
}

/** Where the stream begins, with the slot at hand; and the index of the entry that says so. */
async function openPlace(
  { config, queries, link, slotName, logger }: StreamParts,
  { checkpoint, afterIndex }: StreamStart,
  signal: AbortSignal,
): Promise<{ readonly place: LogPlace; readonly last: number }> {
  await checkServer(queries, signal);
  const slot = new Slot(queries, slotName);
  const { system, timeline, end } = await link.identify();
  if (checkpoint === undefined) {
    // Before the slot: what the log says of a time before the publication cannot be read.
    const advice = await ensurePublication(queries, config);
    if (advice !== undefined) logger.warn(advice);
    const lsn = await slot.create(signal);
    const last = Math.max(afterIndex + 1, lsn);
    return { place: { lsn, event: afterIndex, base: last - lsn, system, timeline }, last };
  }
  const place = fromPosition(checkpoint.position);
  if (place === undefined) throw new PositionLostError('the checkpoint is of another kind of source');
  if (place.system !== system)
    throw new PositionLostError(`the checkpoint is of another server: ${place.system}, and this one is ${system}`);
  const shown = `${formatLsn(place.lsn)} of timeline ${place.timeline}`;
  if (place.lsn > end)
    throw new PositionLostError(`the checkpoint is at ${shown}, and the server's log ends at ${formatLsn(end)}`);
  if (!(await link.contains(place.timeline, place.lsn, timeline)))
    throw new PositionLostError(
      `the checkpoint is at ${shown}, which the server's timeline ${timeline} does not go through`,
    );
  await slot.check(place.lsn, signal);
  return { place: { ...place, timeline }, last: checkpoint.index };
}
