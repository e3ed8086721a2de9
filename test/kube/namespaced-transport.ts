import type { KubeRequest, KubeResponse, KubeTransport } from '../../kube/transport.ts';

/** Sends each call to the transport of its namespace, as if one server had them all. */
export class NamespacedTransport implements KubeTransport {
  readonly #transports: Readonly<Record<string, KubeTransport>>;

  constructor(transports: Readonly<Record<string, KubeTransport>>) {
    this.#transports = transports;
  }

  send(request: KubeRequest): Promise<KubeResponse> {
    const namespace = /\/namespaces\/([^/]+)\//.exec(request.path)?.[1] ?? '';
    const transport = this.#transports[namespace];
    if (transport === undefined) return Promise.reject(new Error(`a call outside of the namespaces: ${request.path}`));
    return transport.send(request);
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#transports).map((transport) => transport.close()));
  }
}
