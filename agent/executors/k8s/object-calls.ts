import { sleep } from '../../../kube/backoff.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { KubeError } from '../../../kube/kube-error.ts';
import { abortable } from '../database/deadline.ts';
import { resourcePath } from '../../../kube/resource.ts';
import type { KubeRequest } from '../../../kube/transport.ts';
import { ConnectionLost, isKindGone, networkMessage } from './k8s-failure.ts';
import { isObject } from './manifest/parse-documents.ts';
import type { JsonObject } from './manifest/parse-documents.ts';
import { objectPath } from './target.ts';
import type { ResourceKind, Target } from './target.ts';

/** Who the fields belong to that we write (server-side apply). */
export const FIELD_MANAGER = 'tiangong';

export type PatchContentType =
  | 'application/apply-patch+yaml'
  | 'application/strategic-merge-patch+json'
  | 'application/merge-patch+json'
  | 'application/json-patch+json';

export interface Answer {
  readonly status: number;
  readonly object: JsonObject;
}

export interface PageOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit: number;
  readonly continue?: string | undefined;
}

/** Only the very object, or the very version of it, is deleted; anything else is a 409. Of any type: the server judges. */
export interface Preconditions {
  readonly uid?: unknown;
  readonly resourceVersion?: unknown;
}

export interface ObjectCallsOptions {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  /** The server only tries what writes would do. */
  readonly dryRun: boolean;
  /** Told when the server has no such kind any more. */
  readonly onKindGone: () => void;
  /** Told once of each warning of the server, such as of a deprecated version. */
  readonly onWarning: (text: string) => void;
}

/** A server that sheds load has not done anything yet: such a call is sent again, for as long as a person would wait. */
const MAX_TRIES = 5;

/**
 * The calls of one task. They reject with `KubeError`, or with the network's error: then a write may have happened, and
 * is not sent again.
 */
export class ObjectCalls {
  readonly #options: ObjectCallsOptions;
  readonly #warned = new Set<string>();

  constructor(options: ObjectCallsOptions) {
    this.#options = options;
  }

  async get(target: Target): Promise<JsonObject> {
    return (await this.#call({ method: 'GET', path: objectPath(target) })).object;
  }

  /** One page of a list; `namespace` undefined: all of them. */
  async page(kind: ResourceKind, namespace: string | undefined, options: PageOptions): Promise<JsonObject> {
    const query = queryOf({ ...options, limit: String(options.limit) });
    return (await this.#call({ method: 'GET', path: resourcePath(kind, namespace) + query })).object;
  }

  create({ kind, namespace }: Target, object: JsonObject): Promise<Answer> {
    return this.#write('POST', resourcePath(kind, namespace), object);
  }

  replace(target: Target, object: JsonObject): Promise<Answer> {
    return this.#write('PUT', objectPath(target), object);
  }

  patch(target: Target, type: PatchContentType, patch: unknown, force = false): Promise<Answer> {
    return this.#write('PATCH', objectPath(target), patch, type, force ? { force: 'true' } : {});
  }

  /** Dependents go in the background, as with kubectl; old kinds would keep them unless told. */
  async delete(target: Target, preconditions: Preconditions = {}): Promise<JsonObject> {
    const options = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      ...(Object.keys(preconditions).length > 0 && { preconditions }),
      ...(this.#options.dryRun && { dryRun: ['All'] }),
    };
    return (await this.#call({ method: 'DELETE', path: objectPath(target), body: JSON.stringify(options) })).object;
  }

  #write(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    contentType?: PatchContentType,
    extra: Record<string, string> = {},
  ): Promise<Answer> {
    const query = queryOf({
      fieldManager: FIELD_MANAGER,
      // As kubectl: a field that the server does not know is a typing error, not to be dropped in silence.
      fieldValidation: 'Strict',
      ...(this.#options.dryRun && { dryRun: 'All' }),
      ...extra,
    });
    return this.#call({ method, path: path + query, body: JSON.stringify(body), ...(contentType && { contentType }) });
  }

  async #call(request: KubeRequest): Promise<Answer> {
    const { client, signal } = this.#options;
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      try {
        // Also a login that hangs is not waited for: what was not sent then never is.
        const response = await abortable(client.send({ ...request, signal }), signal);
        const body = await response.text();
        this.#warn(response.headers['warning']);
        return { status: response.status, object: parse(body, request.path) };
      } catch (err) {
        if (isKindGone(err)) this.#options.onKindGone();
        if (!(err instanceof KubeError)) throw signal.aborted || !mayHaveHappened(request, err) ? err : uncertain(err);
        if (err.code !== 429 || tries === MAX_TRIES) throw err;
        await sleep(Math.min(err.retryAfterMs ?? 1000, 10_000), signal);
      }
    }
  }

  /** Warnings come as `299 - "text"` (RFC 7234). */
  #warn(header: string | string[] | undefined): void {
    for (const [, quoted = ''] of [header ?? []]
      .flat()
      .join(', ')
      .matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
      const text = quoted.replace(/\\(.)/g, '$1');
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      this.#options.onWarning(text);
    }
  }
}

/** Errors of the way to a server, before any of the call was sent. */
const NOT_SENT =
  /^(E(CONNREFUSED|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|ACCES)|UND_ERR_CONNECT_TIMEOUT|CERT_.*|.*_CERT.*|ERR_TLS_.*)$/;

function mayHaveHappened({ method }: KubeRequest, err: unknown): boolean {
  const { code = '', cause } = err as { code?: string; cause?: { code?: string } };
  return method !== 'GET' && !NOT_SENT.test(code) && !NOT_SENT.test(cause?.code ?? '');
}

function uncertain(err: unknown): ConnectionLost {
  const hint = 'whether it was done is not known: look at the object before you try again';
  return new ConnectionLost(`${networkMessage(err)}; ${hint}`, { cause: err });
}

function queryOf(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return `?${new URLSearchParams(given).toString()}`;
}

/** Without the parser's own error, which quotes the text: it may be of a Secret. */
function parse(text: string, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (isObject(value)) return value;
  throw new Error(`the answer to ${path.split('?')[0]} is no JSON object; is this a Kubernetes API?`);
}
