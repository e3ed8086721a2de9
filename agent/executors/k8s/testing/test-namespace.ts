import { expect } from 'vitest';
import type { SharedCluster } from '../../../../test/kubernetes/shared.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution } from '../../../conformance/executor.ts';
import { K8sExecutor } from '../k8s-executor.ts';
import { Kubectl } from './kubectl.ts';

/** An object as the server keeps it. */
export interface Kept {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
    readonly managedFields?: unknown;
  };
  readonly data?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
}

/** A manifest of a ConfigMap. */
export const configMap = (name: string, data: Readonly<Record<string, string>> = {}): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata: ${JSON.stringify(data)}\n`;

/** The only object that a task that must succeed shows. */
export const objectOf = ({ result, outcome }: Execution): Kept => {
  expect(outcome).toMatchObject({ state: 'Succeeded' });
  return JSON.parse(result.toString()) as Kept;
};

/** What a task logged. */
export const messages = ({ log }: Execution): string[] => log.map(({ message }) => message);

/** A test's own namespace of the cluster, with an executor and a client that sees what is there. */
export class TestNamespace {
  readonly name: string;
  readonly kubectl: Kubectl;
  readonly executor: K8sExecutor;

  constructor(cluster: SharedCluster) {
    const kubeconfig = cluster.kubeconfig();
    this.name = cluster.namespace;
    this.kubectl = new Kubectl(kubeconfig, this.name);
    this.executor = new K8sExecutor({ kubeconfig, namespace: this.name });
  }

  run(command: string, params: Record<string, unknown> = {}): Promise<Execution> {
    return execute(this.executor, { command, params });
  }
}
