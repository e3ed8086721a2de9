import type { FieldSchema } from '../driver-action.ts';
import type { SyncEvent } from '../sync-event.ts';
import type { MappedEvent } from './field-mapping.ts';
import { writeCollected, writeObject, writeValue } from './row-writer.ts';
import type { RowTally, Write } from './row-writer.ts';
import { columnOf } from './source-column.ts';
import type { TableShape } from './source-column.ts';
import { converterTo, targetType } from './target-type.ts';

/** A line of the mapping, read. */
export interface Entry {
  readonly to: string;
  /** Without indexes. */
  readonly names: readonly string[];
  readonly required: boolean;
  readonly target: FieldSchema | undefined;
}

/** What a mapping does to rows of one table. */
export class TableMapping {
  readonly #fields: readonly string[];
  /** Undefined: no source is of this table. */
  readonly #write: Write | undefined;

  constructor(entries: readonly Entry[], shape: TableShape) {
    const root: Branch = new Map();
    const fields = new Set<string>();
    for (const entry of entries) {
      const write = writerOf(entry, shape);
      if (write === undefined || fields.has(entry.to)) continue;
      fields.add(entry.to);
      plant(root, entry.to.split('.'), write);
    }
    this.#fields = [...fields];
    this.#write = fields.size === 0 ? undefined : grown(root);
  }

  apply(event: SyncEvent): MappedEvent {
    if (this.#write === undefined) return { ...NOTHING_LOST, event: undefined };
    const rows: Record<string, unknown>[] = [];
    const tally: RowTally = { refusal: undefined, unconverted: 0, reason: undefined };
    let rejected = 0;
    let rejectedReason: string | undefined;
    for (const row of event.rows) {
      const mapped = this.#write(row, tally) ?? {};
      if (tally.refusal !== undefined && event.event_type !== 'delete') {
        rejected += 1;
        rejectedReason ??= tally.refusal;
      } else rows.push(mapped as Record<string, unknown>);
      tally.refusal = undefined;
    }
    return {
      event: rows.length === 0 && rejected > 0 ? undefined : { ...event, fields: this.#fields, rows },
      rejected,
      rejectedReason,
      unconverted: tally.unconverted,
      unconvertedReason: tally.reason,
    };
  }
}

const NOTHING_LOST = {
  rejected: 0,
  rejectedReason: undefined,
  unconverted: 0,
  unconvertedReason: undefined,
};

type Branch = Map<string, Branch | Write>;

function writerOf({ to, names, required, target }: Entry, shape: TableShape): Write | undefined {
  const columns = names.map((name) => columnOf(name, shape)).filter((column) => column !== undefined);
  const [first] = columns;
  if (first === undefined) return undefined;
  const type = targetType(target);
  if (type === 'object') return writeCollected(to, columns, required);
  return writeValue(to, first.read, converterTo(type), type ?? 'value', required);
}

function plant(root: Branch, path: readonly string[], write: Write): void {
  let branch = root;
  for (const segment of path.slice(0, -1)) {
    let next = branch.get(segment);
    if (!(next instanceof Map)) branch.set(segment, (next = new Map()));
    branch = next;
  }
  branch.set(path.at(-1) ?? '', write);
}

function grown(branch: Branch): Write {
  return writeObject([...branch].map(([key, child]) => [key, child instanceof Map ? grown(child) : child]));
}
