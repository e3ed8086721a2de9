import type { KubeRequest, KubeResponse, KubeTransport } from '../../kube/transport.ts';

/**
 * - `pass`: as the transport behind it;
 * - `hang`: no answer ever, and deaf to signals;
 * - `fail`: the call does not get through;
 * - `lose`: the call gets through, its answer does not.
 */
export type Fault = 'pass' | 'hang' | 'fail' | 'lose';

/** A transport whose network can be cut at any time. */
export class FaultyTransport implements KubeTransport {
  readonly #behind: KubeTransport;
  fault: Fault = 'pass';
  calls = 0;

  constructor(behind: KubeTransport) {
    this.#behind = behind;
  }

  async send(request: KubeRequest): Promise<KubeResponse> {
    this.calls += 1;
    const fault = this.fault;
    if (fault === 'hang') return new Promise<never>(() => undefined);
    if (fault === 'fail') throw new Error('the network is down');
    const response = await this.#behind.send(request);
    if (fault === 'pass') return response;
    await response.text();
    throw new Error('the network went down');
  }

  close(): Promise<void> {
    return this.#behind.close();
  }
}
