import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import type { ResourceKind, Target } from '../target.ts';
import { listObjects } from './list-objects.ts';
import type { Selection } from './list-objects.ts';
import type { Session } from './session.ts';

const EVENTS: ResourceKind = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
  singular: 'event',
  shortNames: ['ev'],
};

/** The newest events that a selection matches, the oldest of them first. Rejects as `ObjectCalls` does. */
export async function newestEvents(
  session: Pick<Session, 'calls'>,
  namespace: string | undefined,
  selection: Selection,
  limit: number,
): Promise<JsonObject[]> {
  let kept: JsonObject[] = [];
  for await (const event of listObjects(session, EVENTS, namespace, selection)) {
    kept.push(event);
    // Never more than twice what is shown, however many there are.
    if (kept.length >= limit * 2) kept = newest(kept, limit);
  }
  return newest(kept, limit);
}

/** Selects the events about one object; by its uid, when it is known, those of a namesake are left out. */
export function aboutObject({ kind, namespace, name }: Target, uid?: unknown): string {
  return [
    `involvedObject.kind=${kind.kind}`,
    `involvedObject.name=${name}`,
    ...(namespace === undefined ? [] : [`involvedObject.namespace=${namespace}`]),
    ...(typeof uid === 'string' ? [`involvedObject.uid=${uid}`] : []),
  ].join(',');
}

const newest = (events: readonly JsonObject[], limit: number): JsonObject[] =>
  events.toSorted((a, b) => timeOf(a) - timeOf(b)).slice(-limit);

/** Events of the newer API keep their time elsewhere. */
function timeOf({ lastTimestamp, series, eventTime, firstTimestamp, metadata }: JsonObject): number {
  const created = isObject(metadata) ? metadata['creationTimestamp'] : undefined;
  const observed = isObject(series) ? series['lastObservedTime'] : undefined;
  const time = lastTimestamp ?? observed ?? eventTime ?? firstTimestamp ?? created;
  return typeof time === 'string' ? Date.parse(time) : 0;
}
