import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { binary } from '../kubernetes/binaries.ts';
import type { Transcript } from './transcript.ts';

/** What the tests must know of the cluster that globalSetup brought up. */
export interface ClusterFacts {
  readonly kubeconfig: string;
  /** `own.sh` or `kind.sh`. */
  readonly script: string;
  /** Names of the nodes; the number of a node, as the script counts, is one more than its index. The first is the control plane. */
  readonly nodes: readonly string[];
  /** The folder that all nodes see alike: volume `e2e-<n>` is `<volumes>/<n>`. */
  readonly volumes: string;
  /** Where pods reach what listens on this machine. */
  readonly hostAddress: string;
  /** Tags of the same images, to go from one to the other. */
  readonly tags: readonly [string, string];
  readonly transcriptFile: string;
  /** kube-apiserver's log of what the release's programs asked; none with kind. */
  readonly auditLog?: string;
}

const KUBECTL_DEADLINE_MS = 320_000;
const MAX_DIAGNOSIS = 20_000;
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** A cluster with nodes, containers and all: kubectl and a client with all rights, and ways to break it. */
export class E2eCluster {
  readonly facts: ClusterFacts;
  readonly client: KubeClient;
  readonly #transport: HttpTransport;
  readonly #transcript: Transcript;

  constructor(facts: ClusterFacts, transcript: Transcript) {
    this.facts = facts;
    this.#transcript = transcript;
    const config = new KubeConfig();
    config.loadFromFile(facts.kubeconfig);
    this.#transport = new HttpTransport(config);
    this.client = new KubeClient(this.#transport);
  }

  /** Runs kubectl; throws with its words when it fails. */
  async kubectl(...args: string[]): Promise<string> {
    const run = await promisify(execFile)(binary('kubectl'), ['--kubeconfig', this.facts.kubeconfig, ...args], {
      timeout: KUBECTL_DEADLINE_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return run.stdout;
  }

  /** As `kubectl`, and both stand in the transcript. */
  async show(...args: string[]): Promise<string> {
    const output = await this.kubectl(...args);
    this.#transcript.command(['kubectl', ...args], output);
    return output;
  }

  /** What kubectl prints as JSON. */
  async read<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(...args, '--output', 'json')) as T;
  }

  /** `kubectl apply` of objects. */
  async apply(...objects: object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const child = promisify(execFile)(
      binary('kubectl'),
      ['--kubeconfig', this.facts.kubeconfig, 'apply', '--filename', '-'],
      { timeout: KUBECTL_DEADLINE_MS },
    );
    child.child.stdin?.end(list);
    await child;
  }

  /** The number of a node, as the script's verbs want it. */
  numberOf(node: string): string {
    return String(this.facts.nodes.indexOf(node) + 1);
  }

  /** A verb of own.sh or kind.sh. */
  async run(verb: string, ...args: string[]): Promise<void> {
    await promisify(execFile)('bash', [join(import.meta.dirname, 'cluster', this.facts.script), verb, ...args]);
  }

  /** What there is to be seen when something went wrong: pods, the last warnings and the last lines of their logs. */
  async diagnosis(): Promise<string> {
    const look = (...args: string[]): Promise<string> => this.kubectl(...args).catch((err: unknown) => String(err));
    const pods = await look('get', 'pods', '--all-namespaces', '--output', 'wide');
    const events = await look('get', 'events', '-A', '--field-selector', 'type=Warning', '--sort-by', '.lastTimestamp');
    const logs = await Promise.all(
      ['api', 'operator', 'agent'].map((component) =>
        look(
          ...['logs', '--namespace', 'tiangong', '--selector', `app.kubernetes.io/component=${component}`],
          ...['--tail', '8', '--prefix', '--max-log-requests', '20'],
        ),
      ),
    );
    return [pods, events.split('\n').slice(-20).join('\n'), ...logs].join('\n').slice(0, MAX_DIAGNOSIS);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}
