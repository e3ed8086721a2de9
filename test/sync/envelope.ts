/** An event as it stands on the wire (facts: EventBase). */
export interface WireEvent {
  readonly event_type: 'insert' | 'update' | 'delete';
  readonly fields: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly index: number;
  readonly event_schema: string;
  readonly table: string;
}

/** A push as it stands on the wire: the envelope that satisfies both readings of the protocol (facts §1.8). */
export interface Envelope {
  readonly session_id: string;
  readonly agent_id: string;
  readonly task_id: string;
  readonly source_type: 'message' | 'snapshot';
  readonly is_snapshot_end: boolean;
  readonly snapshot_sync_suggested: boolean;
  readonly events: readonly WireEvent[];
}

const EVENT_TYPES: readonly unknown[] = ['insert', 'update', 'delete'];
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with the shape of a push; undefined when nothing is. */
export function shapeFault(body: unknown): string | undefined {
  if (!isObject(body)) return 'a push is no object';
  for (const name of ['session_id', 'agent_id', 'task_id'])
    if (!isText(body[name])) return `${name} is missing or no text`;
  for (const name of ['is_snapshot_end', 'snapshot_sync_suggested'])
    if (typeof body[name] !== 'boolean') return `${name} is missing or no boolean`;
  if (body['source_type'] !== 'message' && body['source_type'] !== 'snapshot')
    return 'source_type is neither message nor snapshot';
  if (!Array.isArray(body['events'])) return 'events is no array';
  for (const event of body['events'] as unknown[]) {
    const fault = eventFault(event);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function eventFault(event: unknown): string | undefined {
  if (!isObject(event)) return 'an event is no object';
  if (!EVENT_TYPES.includes(event['event_type'])) return 'event_type is none of insert, update, delete';
  if (!Number.isSafeInteger(event['index'])) return `the index ${String(event['index'])} is no safe integer`;
  if (!Array.isArray(event['fields']) || !event['fields'].every((name) => typeof name === 'string'))
    return 'fields is no array of names';
  if (!Array.isArray(event['rows']) || !event['rows'].every(isObject)) return 'rows is no array of objects';
  return isText(event['event_schema']) && isText(event['table']) ? undefined : 'event_schema or table is missing';
}
