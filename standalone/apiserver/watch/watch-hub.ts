import type { KubeObject } from '../../../kube/object.ts';
import type { Change } from '../storage/stored-object.ts';

export interface Watcher {
  notify(change: HubChange): void;
}

/** A change and its event lines, each made once and shared by all watchers. */
export class HubChange {
  readonly change: Change;
  #line: string | undefined;

  constructor(change: Change) {
    this.change = change;
  }

  /** The event as it is sent to watchers that see the whole kind. */
  get line(): string {
    return (this.#line ??= eventLine(this.change.type, this.change.current.text));
  }
}

export function eventLine(type: string, objectText: string): string {
  return `{"type":"${type}","object":${objectText}}\n`;
}

/** What a watcher is interested in. A field that must equal a value keeps other events from it at no cost. */
export interface Interest {
  readonly storedAs: string;
  readonly equals?: { readonly path: string; readonly value: string } | undefined;
}

interface KindWatchers {
  readonly all: Set<Watcher>;
  /** Watchers by dotted path of a field and its value. */
  readonly byField: Map<string, Map<string, Set<Watcher>>>;
}

/** Hands each change to the watchers that may be interested in it. */
export class WatchHub {
  readonly #kinds = new Map<string, KindWatchers>();
  readonly #bookmarks = new Set<(revision: number) => void>();

  /** Returns how to end it. */
  add(interest: Interest, watcher: Watcher): () => void {
    let kind = this.#kinds.get(interest.storedAs);
    if (kind === undefined) this.#kinds.set(interest.storedAs, (kind = { all: new Set(), byField: new Map() }));
    const { equals } = interest;
    if (equals === undefined) {
      kind.all.add(watcher);
      return () => kind.all.delete(watcher);
    }
    let values = kind.byField.get(equals.path);
    if (values === undefined) kind.byField.set(equals.path, (values = new Map<string, Set<Watcher>>()));
    let watchers = values.get(equals.value);
    if (watchers === undefined) values.set(equals.value, (watchers = new Set()));
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size > 0 || values.get(equals.value) !== watchers) return;
      values.delete(equals.value);
      if (values.size === 0) kind.byField.delete(equals.path);
    };
  }

  /** `send` is called by `sendBookmarks`. Returns how to end that. */
  addBookmarks(send: (revision: number) => void): () => void {
    this.#bookmarks.add(send);
    return () => this.#bookmarks.delete(send);
  }

  /** Tells watchers how far they are: everything up to `revision` was published. */
  sendBookmarks(revision: number): void {
    for (const send of this.#bookmarks) send(revision);
  }

  onChanges(changes: readonly Change[]): void {
    for (const change of changes) {
      const kind = this.#kinds.get(change.storedAs);
      if (kind === undefined) continue;
      const shared = new HubChange(change);
      for (const watcher of kind.all) watcher.notify(shared);
      for (const [path, values] of kind.byField) notifyByField(path, values, shared);
    }
  }
}

/** An object that moves from one value to another concerns the watchers of both. */
function notifyByField(path: string, values: Map<string, Set<Watcher>>, shared: HubChange): void {
  const { current, previous } = shared.change;
  const now = fieldOf(current.object, path);
  const before = previous === undefined ? now : fieldOf(previous.object, path);
  for (const watcher of values.get(now) ?? []) watcher.notify(shared);
  if (before !== now) for (const watcher of values.get(before) ?? []) watcher.notify(shared);
}

/** A field as selectors compare it: as text, empty when absent. */
export function fieldOf(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return '';
    value = (value as Record<string, unknown>)[part];
  }
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : String(value as number | boolean);
}
