import type { FieldsSchema } from '../driver-action.ts';
import type { SyncEvent } from '../sync-event.ts';
import { sourceName } from './source-column.ts';
import { TableCache } from './table-cache.ts';
import type { Entry } from './table-mapping.ts';

/** One line of `spec.fields_mapping`. */
export interface FieldMapping {
  /** `<endpoint>.<field>`, deeper with more dots. */
  readonly to: string;
  /** `column`, `table.column` or `schema.table.column`, with `:<index>` or without. */
  readonly source: readonly string[];
  readonly required?: boolean;
}

export interface MappedEvent {
  /** A new event over new rows; undefined when nothing of it is to be sent. */
  readonly event: SyncEvent | undefined;
  /** Rows that lack what is required; they are not sent. */
  readonly rejected: number;
  readonly rejectedReason: string | undefined;
  /** Values left out of rows that are sent, as they cannot be of their target's type. */
  readonly unconverted: number;
  readonly unconvertedReason: string | undefined;
}

export interface Mapping {
  /** Names of the sources that it reads, without indexes; undefined: all. */
  readonly wanted: readonly string[] | undefined;
  /** Never changes what it is given. Reasons name fields and no values. */
  apply(event: SyncEvent): MappedEvent;
}

/**
 * Compiles a mapping to closures (facts §1.10); `schema` is what the pusher needs. An empty one lets events through as they are.
 * Rows become objects nested by the dots of `to`, whose first entry for a table counts. Only the first source that the event's table has counts, but targets
 * of type object collect all of them. Null and missing values are left out; a row without a required one is rejected,
 * unless it is a delete: what the consumer may have must go. Events of tables that no source names are left out.
 */
export function compileMapping(
  fields: readonly FieldMapping[],
  schema: FieldsSchema | undefined,
): Mapping | { readonly error: string } {
  if (fields.length === 0) return { wanted: undefined, apply: passThrough };
  const targets = new Map(Object.entries(schema?.properties ?? {}));
  const entries: Entry[] = [];
  for (const { to, source, required = false } of fields) {
    const names = source.map(sourceName);
    const error = problemOf(to, names, required);
    if (error !== undefined) return { error: `fields_mapping: ${error}` };
    if (names.length > 0) entries.push({ to, names, required, target: targets.get(to) });
  }
  if (entries.length === 0) return { error: 'fields_mapping: no entry has a source' };
  const clash = clashOf(entries);
  if (clash !== undefined) return { error: `fields_mapping: ${clash}` };
  const tables = new TableCache(entries);
  return {
    wanted: [...new Set(entries.flatMap(({ names }) => names))],
    apply: (event) => tables.get(event).apply(event),
  };
}

const passThrough = (event: SyncEvent): MappedEvent => ({
  event,
  rejected: 0,
  rejectedReason: undefined,
  unconverted: 0,
  unconvertedReason: undefined,
});

function problemOf(to: string, names: readonly string[], required: boolean): string | undefined {
  const segments = to.split('.');
  if (segments.length < 2 || segments.includes('')) return `to '${to}' must be <endpoint>.<field>`;
  for (const name of [to, ...names]) {
    if (name === '') return `'${to}' has an empty source`;
    // A key that JavaScript takes for something else.
    if (name.split('.').includes('__proto__')) return `'${name}': no field may be called __proto__`;
  }
  return required && names.length === 0 ? `'${to}' is required and has no source` : undefined;
}

/** A value cannot be an object as well. */
function clashOf(entries: readonly Entry[]): string | undefined {
  for (const { to } of entries)
    for (const other of entries) if (other.to.startsWith(`${to}.`)) return `'${to}' cannot be set beside '${other.to}'`;
  return undefined;
}
