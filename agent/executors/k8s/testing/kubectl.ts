import { execFile } from 'node:child_process';
import { binary } from '../../../../test/kubernetes/binaries.ts';

export interface KubectlAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real kubectl: what our executor did, told by somebody else. */
export class Kubectl {
  readonly #kubeconfig: string;
  readonly #namespace: string;

  constructor(kubeconfig: string, namespace: string) {
    this.#kubeconfig = kubeconfig;
    this.#namespace = namespace;
  }

  /** Runs a command in the namespace of the test; never rejects. */
  run(args: readonly string[], stdin = ''): Promise<KubectlAnswer> {
    const all = ['--kubeconfig', this.#kubeconfig, '--namespace', this.#namespace, ...args];
    return new Promise((resolve) => {
      const child = execFile(binary('kubectl'), all, { timeout: 60_000 }, (err, stdout, stderr) => {
        resolve({ code: err === null ? 0 : Number(err.code ?? -1), stdout, stderr });
      });
      child.stdin?.end(stdin);
    });
  }

  /** An object as JSON; fails the test when it is not there. */
  async get<T>(...what: string[]): Promise<T> {
    return JSON.parse(await this.out('get', ...what, '--output', 'json')) as T;
  }

  /** What a command prints; rejects when it fails. */
  async out(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async apply(manifest: string): Promise<void> {
    const { code, stderr } = await this.run(['apply', '--filename', '-'], manifest);
    if (code !== 0) throw new Error(`kubectl apply: ${stderr}`);
  }
}
