import type { KubeObject } from '../../kube/object.ts';
import type { Resource } from '../../kube/resource.ts';

export interface Widget extends KubeObject {
  color: string;
}

export const widgets: Resource<Widget> = { group: 'test.example', version: 'v1', plural: 'widgets', kind: 'Widget' };

/** What the server answers: a status code and a body in JSON. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Change {
  readonly version: number;
  /** Undefined: it did not exist before. */
  readonly before: Widget | undefined;
  readonly after: Widget | undefined;
}

/** Receives the lines of a watch. */
export type Subscriber = (line: string) => void;

/**
 * The objects of one resource with the promises of a Kubernetes API: one order of versions, pages that are all of one
 * version, watches that go on after any version until it is compacted, and label selectors. What carries it to a
 * client, and how badly, is up to others.
 */
export class ModelServer {
  readonly #objects = new Map<string, Widget>();
  readonly #subscribers = new Map<Subscriber, string | undefined>();
  /** What the pages of lists that are under way show. */
  readonly #snapshots = new Map<number, readonly Widget[]>();
  #history: Change[] = [];
  #version = 100;
  #compacted = 100;
  readonly #namespace: string;

  constructor(namespace = 'n') {
    this.#namespace = namespace;
  }

  get objects(): ReadonlyMap<string, Widget> {
    return this.#objects;
  }

  /** Creates or replaces an object. */
  put(name: string, color: string): void {
    this.#version += 1;
    const metadata = {
      name,
      namespace: this.#namespace,
      resourceVersion: String(this.#version),
      labels: { color },
      managedFields: [{ manager: 'test' }],
    };
    this.#change(name, { metadata, color });
  }

  remove(name: string): void {
    if (!this.#objects.has(name)) return;
    this.#version += 1;
    this.#change(name, undefined);
  }

  /** Forgets the past: older watches and pages get a 410. */
  compact(): void {
    this.#history = [];
    this.#snapshots.clear();
    this.#compacted = this.#version;
  }

  /** Tells every watch the current version. */
  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const subscriber of this.#subscribers.keys()) subscriber(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  list(query: URLSearchParams): Answer {
    const limit = Number(query.get('limit') ?? Infinity);
    const selector = query.get('labelSelector') ?? undefined;
    const [version, from] = (query.get('continue') ?? `${this.#version}.0`).split('.').map(Number) as [number, number];
    if (from === 0) this.#snapshots.set(version, [...this.#objects.values()]);
    const snapshot = this.#snapshots.get(version)?.filter((object) => selects(selector, object));
    if (snapshot === undefined) return gone();
    const more = from + limit < snapshot.length;
    const metadata = { resourceVersion: String(version), ...(more && { continue: `${version}.${from + limit}` }) };
    return { status: 200, body: JSON.stringify({ metadata, items: snapshot.slice(from, from + limit) }) };
  }

  /**
   * Sends what changed since the version of the query, and what changes from now on. Returns the function that ends it,
   * or the 410 that a version too old is answered with.
   */
  watch(query: URLSearchParams, subscriber: Subscriber): (() => void) | Answer {
    const from = Number(query.get('resourceVersion'));
    const selector = query.get('labelSelector') ?? undefined;
    if (from < this.#compacted) return gone();
    for (const change of this.#history) if (change.version > from) send(change, selector, subscriber);
    this.#subscribers.set(subscriber, selector);
    return () => this.#subscribers.delete(subscriber);
  }

  #change(name: string, after: Widget | undefined): void {
    const change = { version: this.#version, before: this.#objects.get(name), after };
    if (after === undefined) this.#objects.delete(name);
    else this.#objects.set(name, after);
    this.#history.push(change);
    for (const [subscriber, selector] of this.#subscribers) send(change, selector, subscriber);
  }
}

/** The 410 of a watch or a page, as an answer or, in a watch, as an event of type ERROR. */
export function gone(): Answer {
  const status = {
    kind: 'Status',
    status: 'Failure',
    message: 'too old resource version',
    reason: 'Expired',
    code: 410,
  };
  return { status: 410, body: JSON.stringify(status) };
}

function selects(selector: string | undefined, object: Widget): boolean {
  return selector === undefined || selector === `color=${object.color}`;
}

/** As the real server does: an object that leaves the selection is DELETED, with its old content and the new version. */
function send({ version, before, after }: Change, selector: string | undefined, subscriber: Subscriber): void {
  const was = before !== undefined && selects(selector, before);
  const is = after !== undefined && selects(selector, after);
  if (!was && !is) return;
  const type = !was ? 'ADDED' : is ? 'MODIFIED' : 'DELETED';
  const object = is ? after : { ...before, metadata: { ...before?.metadata, resourceVersion: String(version) } };
  subscriber(`${JSON.stringify({ type, object })}\n`);
}
