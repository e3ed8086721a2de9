/** One API server under test. */
export interface ConformanceServer {
  readonly kind: 'real' | 'embedded';
  readonly url: string;
  /** Bearer token of the user with all rights. */
  readonly token: string;
}

export interface Servers {
  readonly embedded: ConformanceServer;
  /** Undefined when this machine has no kube-apiserver. */
  readonly real: ConformanceServer | undefined;
}
