import type { Envelope, WireEvent } from './envelope.ts';
import { keyOf, versionOf } from './row-key.ts';
import type { RowKeyOptions, WireRow } from './row-key.ts';

/** Of one key: the row, unless it was deleted, and the highest version that was ever seen of it. */
export interface Kept {
  readonly row: WireRow | undefined;
  readonly version: number | undefined;
}

/** What a consumer has of one task. */
export interface TaskState {
  /** Every message up to this index was applied; −1: none. */
  position: number;
  readonly kept: Map<string, Kept>;
}

/** One change of a task's state, as the durable log has it. */
export type SinkChange =
  | { readonly task: string; readonly position: number }
  | { readonly task: string; readonly key: string; readonly kept: Kept }
  | { readonly violation: string };

/** More would say nothing more. */
const MAX_VIOLATIONS = 1000;

/**
 * Applies pushes to a map of rows, as an exact consumer does: messages once, by their index; rows of a snapshot as they come.
 * It notes whatever a right agent never does: a version that goes back, a deleted row that a snapshot brings back.
 */
export class Sink {
  readonly tasks = new Map<string, TaskState>();
  /** Breaks of the protocol and of the order of versions, in the order in which they were seen. */
  readonly violations: string[] = [];
  readonly #options: RowKeyOptions;

  constructor(options: RowKeyOptions = {}) {
    this.#options = options;
  }

  task(id: string): TaskState {
    let state = this.tasks.get(id);
    if (state === undefined) {
      state = { position: -1, kept: new Map() };
      this.tasks.set(id, state);
    }
    return state;
  }

  /** The rows that are there, by their keys. */
  rows(id: string): ReadonlyMap<string, WireRow> {
    const rows = new Map<string, WireRow>();
    for (const [key, { row }] of this.tasks.get(id)?.kept ?? []) if (row !== undefined) rows.set(key, row);
    return rows;
  }

  /** Applies a push to the state and returns what changed, for the log. */
  apply(id: string, push: Envelope): readonly SinkChange[] {
    const changes: SinkChange[] = [];
    for (const event of push.events) {
      if (push.source_type === 'snapshot') this.#applyRows(id, event, 'snapshot', changes);
      else this.#applyMessage(id, event, changes);
    }
    return changes;
  }

  violate(violation: string): readonly SinkChange[] {
    if (this.violations.length >= MAX_VIOLATIONS) return [];
    this.violations.push(violation);
    return [{ violation }];
  }

  /** Takes a change from the log. */
  restore(change: SinkChange): void {
    if ('violation' in change) this.violations.push(change.violation);
    else if ('position' in change) this.task(change.task).position = change.position;
    else this.task(change.task).kept.set(change.key, change.kept);
  }

  /** The whole state as changes. */
  *changes(): Generator<SinkChange> {
    for (const [task, { position, kept: all }] of this.tasks) {
      yield { task, position };
      for (const [key, kept] of all) yield { task, key, kept };
    }
    for (const violation of this.violations) yield { violation };
  }

  #applyMessage(id: string, event: WireEvent, changes: SinkChange[]): void {
    const state = this.task(id);
    // An agent that did not hear of an acknowledgement sends again.
    if (event.table === 'initial_trigger' || event.index <= state.position) return;
    this.#applyRows(id, event, 'message', changes);
    state.position = event.index;
    changes.push({ task: id, position: event.index });
  }

  #applyRows(id: string, event: WireEvent, from: 'message' | 'snapshot', changes: SinkChange[]): void {
    const { kept: all } = this.task(id);
    const isDelete = event.event_type === 'delete';
    for (const row of event.rows) {
      const key = keyOf(event, row, this.#options);
      if (key === undefined) {
        changes.push(...this.violate(`a row of ${event.table} has no key: ${JSON.stringify(row).slice(0, 200)}`));
        continue;
      }
      const before = all.get(key);
      const version = versionOf(row, this.#options);
      if (goesBack(before, version, isDelete))
        changes.push(
          ...this.violate(
            `${from} ${event.event_type} of ${key} at index ${event.index} has version ${String(version)} after ` +
              `${String(before?.version)}${before?.row === undefined ? ' (deleted)' : ''}`,
          ),
        );
      const kept: Kept = { row: isDelete ? undefined : row, version: higher(before?.version, version) };
      all.set(key, kept);
      changes.push({ task: id, key, kept });
    }
  }
}

/** A deletion has the version of the row that it deletes; a row that comes after it has a higher one. */
function goesBack(before: Kept | undefined, version: number | undefined, isDelete: boolean): boolean {
  if (before?.version === undefined || version === undefined) return false;
  if (version < before.version) return true;
  return before.row === undefined && !isDelete && version === before.version;
}

const higher = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
