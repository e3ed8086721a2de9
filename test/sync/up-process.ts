import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { processStartTicks } from '../../standalone/process-identity.ts';
import { binary } from '../kubernetes/binaries.ts';
import { freePort } from '../kubernetes/free-port.ts';

const run = promisify(execFile);

/** A first start compiles much; a machine that runs other tests beside this one is slow. */
const START_MS = 90_000;

/** `tiangong up` as a process, with a folder of its own. */
export class UpProcess {
  readonly home = mkdtempSync(join(tmpdir(), 'tiangong-up-'));
  readonly #ports: { PORT: string; KUBE_PORT: string };
  #child: ChildProcess | undefined;
  #transport: HttpTransport | undefined;
  #api = '';

  static async start(): Promise<UpProcess> {
    const up = new UpProcess({ PORT: String(await freePort()), KUBE_PORT: String(await freePort()) });
    await up.start();
    return up;
  }

  private constructor(ports: { PORT: string; KUBE_PORT: string }) {
    this.#ports = ports;
  }

  /** The base address of the REST API, without a path. */
  get api(): string {
    return new URL(this.#api).origin;
  }

  get client(): KubeClient {
    if (this.#transport === undefined) throw new Error('tiangong up was not started');
    return new KubeClient(this.#transport);
  }

  get kubeconfig(): string {
    return join(this.home, 'kubeconfig');
  }

  /** What the agent has written to its log. */
  get agentLog(): string {
    const file = join(this.home, 'agents/local/agent.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async start(): Promise<void> {
    let output = '';
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../standalone/main.ts'), 'up'], {
      env: { ...process.env, TIANGONG_HOME: this.home, ...this.#ports },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    for (const deadline = performance.now() + START_MS; !output.includes('Tiangong is up.'); await sleep(50))
      if (child.exitCode !== null || performance.now() > deadline)
        throw new Error(`tiangong up did not start:\n${output}`);
    this.#api = /REST API\s+(\S+)/.exec(output)?.[1] ?? '';
    const config = new KubeConfig();
    config.loadFromFile(this.kubeconfig);
    this.#transport = new HttpTransport(config);
  }

  /** Gives manifests to the real kubectl; resolves with what it says. */
  async kubectl(args: readonly string[], manifests = ''): Promise<string> {
    const file = join(this.home, 'manifests.yaml');
    writeFileSync(file, manifests);
    const from = manifests === '' ? [] : ['-f', file];
    const { stdout } = await run(binary('kubectl'), ['--kubeconfig', this.kubeconfig, ...args, ...from]);
    return stdout;
  }

  /** The agent's process, with kill −9; `tiangong up` starts another. */
  async killAgent(): Promise<void> {
    const pid = this.#agentPid();
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    while (processStartTicks(pid) !== undefined) await sleep(20);
  }

  /** `SIGKILL` leaves the agent alone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#transport?.close();
    this.#transport = undefined;
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  /** Ends everything and removes the folder. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    await this.killAgent();
    rmSync(this.home, { recursive: true, force: true });
  }

  #agentPid(): number | undefined {
    const file = join(this.home, 'agents/local/agent.pid');
    if (!existsSync(file)) return undefined;
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    return processStartTicks(pid) === undefined ? undefined : pid;
  }
}
