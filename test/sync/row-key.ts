import type { WireEvent } from './envelope.ts';

export type WireRow = WireEvent['rows'][number];

export interface RowKeyOptions {
  /** The fields that make a row's key; by default the first of `file_path`, `id`, `_id` that the row has. */
  readonly keys?: readonly string[];
  /** The field that grows with every change of a row; by default `version`, else `modified_time`. */
  readonly version?: string;
}

const KEYS = ['file_path', 'id', '_id'] as const;
const VERSIONS = ['version', 'modified_time'] as const;

/** Names a row within its task; undefined when it lacks a field of its key. */
export function keyOf(event: WireEvent, row: WireRow, options: RowKeyOptions): string | undefined {
  const values = options.keys?.map((name) => field(row, name)) ?? [firstOf(row, KEYS)];
  return values.includes(undefined) ? undefined : JSON.stringify([event.event_schema, event.table, ...values]);
}

/** Undefined when the row has no version. A folder has none: its size and times are what the file system makes of it. */
export function versionOf(row: WireRow, options: RowKeyOptions): number | undefined {
  if (field(row, 'is_dir') === true) return undefined;
  const value = options.version === undefined ? firstOf(row, VERSIONS) : field(row, options.version);
  if (value === undefined || value === null) return undefined;
  const version = Number(value);
  return Number.isFinite(version) ? version : undefined;
}

function firstOf(row: WireRow, names: readonly string[]): unknown {
  for (const name of names) {
    const value = field(row, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Mapped rows have their fields one level down: `{"events": {"path": …}}`. */
function field(row: WireRow, name: string): unknown {
  if (row[name] !== undefined) return row[name];
  for (const value of Object.values(row))
    if (typeof value === 'object' && value !== null && name in value) return (value as Record<string, unknown>)[name];
  return undefined;
}
