import { KubeError } from './kube-error.ts';
import type { KubeStatus } from './kube-error.ts';
import { LineSplitter } from './line-splitter.ts';
import type { KubeList, KubeObject } from './object.ts';
import { resourcePath } from './resource.ts';
import type { Resource } from './resource.ts';
import type { KubeRequest, KubeResponse, KubeTransport } from './transport.ts';

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** How many objects a page holds at most. */
  readonly limit?: number;
  /** The token of the page before. */
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends Pick<ListOptions, 'labelSelector' | 'fieldSelector'> {
  /** The version to go on from: events after it are sent. */
  readonly resourceVersion: string;
  /** After how long the server closes the watch, in seconds. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: KubeStatus };

export interface ApplyOptions {
  /** Who wants the fields; what it wanted before and no longer names is removed. */
  readonly fieldManager: string;
  /** Take fields over that others set; else they are a conflict (409). */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  /** `status` writes the status alone, anything else leaves it as it is. */
  readonly subresource?: 'status';
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** Objects to create may leave out what the server sets. */
export type NewObject<T extends KubeObject> = Omit<T, 'metadata'> & {
  metadata: Partial<T['metadata']> & ({ name: string } | { generateName: string });
};

/** A merge patch (RFC 7386): what is there replaces, `null` removes, arrays are replaced whole. */
export type MergePatch = Record<string, unknown>;

/**
 * Typed calls to a Kubernetes API. Every method rejects with `KubeError` when the server answers with 400 or more, and
 * with the transport's error when there was no answer; then a write may or may not have happened.
 */
export class KubeClient {
  readonly #transport: KubeTransport;

  constructor(transport: KubeTransport) {
    this.#transport = transport;
  }

  async get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#json({ method: 'GET', path: resourcePath(resource, namespace, name), ...(signal && { signal }) });
  }

  /** Reads one page. Callers that want all follow `metadata.continue`, as `Informer` does. */
  async list<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    options: ListOptions = {},
  ): Promise<KubeList<T>> {
    const { signal, ...query } = options;
    return this.#json({
      method: 'GET',
      path: resourcePath(resource, namespace) + toQuery({ ...query }),
      ...(signal && { signal }),
    });
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    object: NewObject<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#write('POST', resourcePath(resource, namespace), withType(resource, object), options);
  }

  /** Replaces an object. With `metadata.resourceVersion` set, only if it is still that version; else 409. */
  async replace<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = resourcePath(resource, namespace, object.metadata.name, options.subresource);
    return this.#write('PUT', path, withType(resource, object), options);
  }

  /** Merge-patches an object. With `metadata.resourceVersion` in the patch, only if it is still that version; else 409. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
    patch: MergePatch,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = resourcePath(resource, namespace, name, options.subresource);
    return this.#write('PATCH', path, patch, options, 'application/merge-patch+json');
  }

  /** Server-side apply: creates the object or makes these fields so. With `metadata.uid` set, only of that object; else 409. */
  async apply<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    object: Omit<T, 'metadata'> & { metadata: Partial<T['metadata']> & { name: string } },
    { fieldManager, force = false, signal }: ApplyOptions,
  ): Promise<T> {
    return this.#json({
      method: 'PATCH',
      path: resourcePath(resource, namespace, object.metadata.name) + toQuery({ fieldManager, force: String(force) }),
      body: JSON.stringify(withType(resource, object)),
      contentType: 'application/apply-patch+yaml',
      ...(signal && { signal }),
    });
  }

  /** Deletes an object. With `preconditions`, only if it still has that uid or version; else 409. */
  async delete(
    resource: Resource<KubeObject>,
    namespace: string | undefined,
    name: string,
    preconditions?: { uid?: string; resourceVersion?: string },
  ): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...(preconditions && { preconditions }) };
    await this.#write('DELETE', resourcePath(resource, namespace, name), body, {});
  }

  /** Watches until the server closes or the signal aborts (the iteration ends), or the connection breaks (it throws). */
  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, ...query } = options;
    const path = resourcePath(resource, namespace) + toQuery({ ...query, watch: 'true', allowWatchBookmarks: 'true' });
    const lines = new LineSplitter();
    const decoder = new TextDecoder();
    try {
      const response = await this.send({ method: 'GET', path, signal });
      for await (const chunk of response.chunks()) {
        const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
        for (const line of lines.push(text)) {
          if (signal.aborted) return;
          yield parse<WatchEvent<T>>(line, path);
        }
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  /** Any call that the typed methods do not cover; resolves with the parsed answer. */
  raw<T>(request: KubeRequest): Promise<T> {
    return this.#json(request);
  }

  #write<T>(
    method: KubeRequest['method'],
    path: string,
    body: unknown,
    options: WriteOptions,
    contentType?: string,
  ): Promise<T> {
    return this.#json({
      method,
      path: path + (options.dryRun ? '?dryRun=All' : ''),
      body: JSON.stringify(body),
      ...(contentType && { contentType }),
      ...(options.signal && { signal: options.signal }),
    });
  }

  async #json<T>(request: KubeRequest): Promise<T> {
    const response = await this.send(request);
    return parse(await response.text(), request.path);
  }

  /** Any call whose status, headers or stream matter to the caller; resolves only with a status below 400. */
  async send(request: KubeRequest): Promise<KubeResponse> {
    const response = await this.#transport.send(request);
    if (response.status < 400) return response;
    const what = `${request.method} ${request.path.split('?')[0]}`;
    throw new KubeError(response.status, parseStatus(await response.text()), what, retryAfter(response));
  }
}

function withType<T extends KubeObject>(resource: Resource<T>, object: NewObject<T> | T): unknown {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return { apiVersion, kind: resource.kind, ...object };
}

function toQuery(query: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') params.set(key, String(value));
  return params.size === 0 ? '' : `?${params.toString()}`;
}

/** Without the parser's own error, which quotes the text: it may be of a Secret. */
function parse<T>(text: string, path: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`the answer to ${path.split('?')[0]} is not JSON (${text.length} characters)`);
  }
}

function parseStatus(text: string): KubeStatus {
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null) return status;
  } catch {
    // A proxy's page or plain text: it is the message.
  }
  return { message: text.slice(0, 1024) };
}

function retryAfter(response: KubeResponse): number | undefined {
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
