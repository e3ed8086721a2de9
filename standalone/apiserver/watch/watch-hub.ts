import type { KubeObject } from '../../../kube/object.ts';
import { readerOf } from '../selectors/field-selector.ts';
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
  /** Watchers by dotted path of a field. */
  readonly byField: Map<string, FieldWatchers>;
}

interface FieldWatchers {
  readonly read: (object: KubeObject) => string;
  readonly byValue: Map<string, Set<Watcher>>;
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
    const { byField } = kind;
    let field = byField.get(equals.path);
    if (field === undefined) byField.set(equals.path, (field = { read: readerOf(equals.path), byValue: new Map() }));
    const { byValue } = field;
    let watchers = byValue.get(equals.value);
    if (watchers === undefined) byValue.set(equals.value, (watchers = new Set()));
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size > 0 || byValue.get(equals.value) !== watchers) return;
      byValue.delete(equals.value);
      if (byValue.size === 0 && byField.get(equals.path) === field) byField.delete(equals.path);
    };
  }

  /** How many watchers there are. */
  get size(): number {
    let size = 0;
    for (const { all, byField } of this.#kinds.values()) {
      size += all.size;
      for (const { byValue } of byField.values()) for (const watchers of byValue.values()) size += watchers.size;
    }
    return size;
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
      for (const field of kind.byField.values()) notifyByField(field, shared);
    }
  }
}

/** An object that moves from one value to another concerns the watchers of both. */
function notifyByField({ read, byValue }: FieldWatchers, shared: HubChange): void {
  const { current, previous } = shared.change;
  const now = read(current.object);
  const before = previous === undefined ? now : read(previous.object);
  for (const watcher of byValue.get(now) ?? []) watcher.notify(shared);
  if (before !== now) for (const watcher of byValue.get(before) ?? []) watcher.notify(shared);
}
