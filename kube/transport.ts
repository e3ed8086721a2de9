/** One call to a Kubernetes API. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with its query, as it stands in the request line, such as `/api/v1/namespaces?limit=500`. */
  readonly path: string;
  /** The body as JSON text. */
  readonly body?: string;
  /** Media type of the body; `application/json` unless set. */
  readonly contentType?: string;
  /** Media types that the answer may have; `application/json` unless set. */
  readonly accept?: string;
  /** How long the answer may pause, in milliseconds, 0 for ever; the transport's own bound unless set. */
  readonly idleTimeoutMs?: number;
  /** Aborts the call, also while its body is being read. */
  readonly signal?: AbortSignal;
}

export interface KubeResponse {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Reads the whole body as text. Either this or `chunks` is called, once. */
  text(): Promise<string>;
  /** Reads the body as it comes: for watches. Ending the iteration early closes the connection. */
  chunks(): AsyncIterable<Uint8Array | string>;
}

/**
 * Carries calls to one Kubernetes API under one identity. `send` resolves for every HTTP status and rejects only when
 * no answer could be had. Implementations: `HttpTransport` here, and the embedded server's in-process one.
 */
export interface KubeTransport {
  send(request: KubeRequest): Promise<KubeResponse>;
  /** Ends every call under way and frees the connections. */
  close(): Promise<void>;
}
