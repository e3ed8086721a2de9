import type { User } from '../auth/user.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { EventStream } from '../watch/event-stream.ts';

/** One request as it came, whether by HTTP or from within the process. */
export interface ApiRequest {
  readonly method: string;
  /** As in the request line, with its query. */
  readonly url: string;
  readonly accept: string;
  readonly contentType: string;
  /** Empty when there is none. */
  readonly body: string;
  readonly user: User;
  /** The tag of the document that the client has already. */
  readonly ifNoneMatch?: string | undefined;
}

export interface WholeResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export interface StreamResponse {
  readonly status: 200;
  readonly contentType: string;
  readonly stream: EventStream;
}

/** An answer with a body, or a watch that goes on. */
export type ApiResponse = WholeResponse | StreamResponse;

/** What a call on a resource is about, once the path is read and the caller is allowed. */
export interface ResourceCall {
  readonly definition: ResourceDefinition;
  /** Empty for cluster-wide kinds and for lists over all namespaces. */
  readonly namespace: string;
  /** Empty for calls on a collection. */
  readonly name: string;
  readonly subresource: '' | 'status' | 'finalize';
  readonly query: URLSearchParams;
  readonly request: ApiRequest;
  /** Set when the caller may create only objects of this name. */
  readonly onlyName: string | undefined;
  /** Texts for Warning headers of the answer. */
  readonly warnings: string[];
}
