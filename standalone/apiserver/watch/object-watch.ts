import type { KubeObject } from '../../../kube/object.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { StatusError } from '../status-error.ts';
import type { Change, StoredObject } from '../storage/stored-object.ts';
import { servedObject, servedText } from '../verbs/served-object.ts';
import { EventStream } from './event-stream.ts';
import { eventLine, HubChange } from './watch-hub.ts';
import type { Interest, WatchHub, Watcher } from './watch-hub.ts';

/** A watch that asks for no time is ended after half an hour to an hour, as the real server does. */
const DEFAULT_TIMEOUT_SECONDS = 1800;
/** The longest that a timer can be set for is 24.8 days; nobody needs a watch longer than a day. */
const MAX_TIMEOUT_SECONDS = 86_400;

export interface ObjectWatchOptions {
  readonly definition: ResourceDefinition;
  /** Empty for all namespaces. */
  readonly namespace: string;
  /** Undefined: every object. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** Makes an event's line where it is not the object as stored; undefined lets watchers share the lines. */
  readonly render: ((type: string, object: KubeObject) => string) | undefined;
  readonly allowBookmarks: boolean;
  /** 0: as long as the server likes. */
  readonly timeoutSeconds: number;
}

/**
 * One client's watch. Events are about the set of objects that match: an object that begins to match is ADDED, one that
 * stops is DELETED and shown as it was, with the version of the change (as in kube-apiserver's watch cache).
 */
export class ObjectWatch implements Watcher {
  readonly stream: EventStream;
  readonly #options: ObjectWatchOptions;
  readonly #timeout: NodeJS.Timeout;
  #unfollow: (() => void) | undefined;
  #stopBookmarks: (() => void) | undefined;
  /** Changes up to here were sent otherwise. */
  #sentUpTo = 0;

  constructor(options: ObjectWatchOptions) {
    this.#options = options;
    this.stream = new EventStream(() => this.#close());
    const seconds = Math.min(
      options.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS * (1 + Math.random()),
      MAX_TIMEOUT_SECONDS,
    );
    this.#timeout = setTimeout(() => this.stream.end(), seconds * 1000);
    this.#timeout.unref();
  }

  /** Sends an object as it is at the beginning. */
  sendInitial(stored: StoredObject): void {
    const { definition, render } = this.#options;
    if (render === undefined) this.stream.push(eventLine('ADDED', servedText(definition, stored)));
    else this.stream.push(render('ADDED', servedObject(definition, stored)));
  }

  /** Sends what a change means for the set that is watched, which may be nothing. */
  send(change: Change): void {
    this.#send(new HubChange(change));
  }

  /** Goes on with what happens after a revision; everything up to it was sent. */
  follow(hub: WatchHub, interest: Interest, revision: number): void {
    if (this.stream.ended) return;
    this.#sentUpTo = revision;
    this.#unfollow = hub.add(interest, this);
    if (this.#options.allowBookmarks) this.#stopBookmarks = hub.addBookmarks((now) => this.bookmark(now, false));
  }

  notify(shared: HubChange): void {
    if (shared.change.revision > this.#sentUpTo) this.#send(shared);
  }

  /** Tells up to which revision everything was sent. */
  bookmark(revision: number, endsInitial: boolean): void {
    const { definition, render } = this.#options;
    const object = {
      kind: definition.kind,
      apiVersion: apiVersionOf(definition),
      metadata: {
        resourceVersion: String(Math.max(revision, this.#sentUpTo)),
        ...(endsInitial && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
      },
    };
    this.stream.push(
      render === undefined
        ? eventLine('BOOKMARK', JSON.stringify(object))
        : render('BOOKMARK', object as unknown as KubeObject),
    );
  }

  /** Ends the watch with an ERROR event. */
  fail(error: StatusError): void {
    this.stream.push(eventLine('ERROR', JSON.stringify(error.toStatus())));
    this.stream.end();
  }

  #send(shared: HubChange): void {
    const { definition, namespace, matches, render } = this.#options;
    const { type, current, previous } = shared.change;
    if (namespace !== '' && definition.namespaced && !isIn(current.key, definition.storedAs, namespace)) return;
    const isShared = render === undefined && definition.fromStored === undefined;
    if (matches === undefined) {
      this.stream.push(isShared ? shared.line : this.#line(type, servedObject(definition, current)));
      return;
    }
    const isMatch = type !== 'DELETED' && matches(servedObject(definition, current));
    const wasMatch = previous !== undefined && matches(servedObject(definition, previous));
    if (isMatch) {
      const seen = wasMatch ? 'MODIFIED' : 'ADDED';
      if (isShared) this.stream.push(seen === type ? shared.line : eventLine(seen, current.text));
      else this.stream.push(this.#line(seen, servedObject(definition, current)));
    } else if (wasMatch) {
      if (isShared && type === 'DELETED') this.stream.push(shared.line);
      else this.stream.push(this.#line('DELETED', lastSeen(servedObject(definition, previous), current.revision)));
    }
  }

  #line(type: string, object: KubeObject): string {
    const { render } = this.#options;
    return render === undefined ? eventLine(type, JSON.stringify(object)) : render(type, object);
  }

  #close(): void {
    clearTimeout(this.#timeout);
    this.#unfollow?.();
    this.#stopBookmarks?.();
  }
}

function isIn(key: string, storedAs: string, namespace: string): boolean {
  return key.startsWith(namespace, storedAs.length + 1) && key[storedAs.length + 1 + namespace.length] === '/';
}

/** The object as the watcher knew it, with the version of the change that took it out of the set. */
function lastSeen(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
