import type { KubeTransport } from '../kube/transport.ts';
import type { RestClient } from '../test/programs/rest-client.ts';

/** A running Tiangong that is measured. */
export interface Subject {
  readonly name: string;
  readonly rest: RestClient;
  /** As administrator of its Kubernetes API. */
  readonly transport: KubeTransport;
  readonly namespace: string;
  readonly agent: string;
  /** Its processes, those of the Kubernetes API included. */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}
