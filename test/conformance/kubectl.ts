import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { binariesFolder, binary } from '../kubernetes/binaries.ts';
import type { Api } from './api.ts';
import type { DifferenceName } from './intended-differences.ts';
import type { ConformanceServer } from './server.ts';

/**
 * client-go tells of a watch that its caller ended within a second of its begin, and of one that could not begin because
 * `--timeout` was over: the reflector may see that before it is stopped. Matters of time, not of the server.
 */
const ENDED_WATCH =
  /^[EIW]\d{4} .* reflector\.go:\d+\] .*(?:very short watch|"Failed to watch" err="context deadline exceeded").*\n/gm;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly differences?: readonly DifferenceName[];
  /** Whether the output goes into the transcript; it does unless set to false. */
  readonly recorded?: boolean;
}

/** How long one command may take before it is killed and the scenario fails. */
const DEADLINE_MS = 60_000;

/** Discovery is cached by kubectl for hours; one cache for each server spares a dozen calls a command. */
const caches = new Map<string, string>();

/** Whether there is a kubectl to run; says so loudly when there is none. */
export function hasKubectl(): boolean {
  const folder = binariesFolder();
  if (folder !== undefined && existsSync(join(folder, 'kubectl'))) return true;
  process.stderr.write(
    '\n*** NO KUBECTL: every test with it is SKIPPED. Run test/kubernetes/build.sh or set KUBEBUILDER_ASSETS. ***\n\n',
  );
  return false;
}

/** A real kubectl on the namespace of one scenario; every command is written to the scenario's transcript. */
export class Kubectl {
  readonly #api: Api;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(api: Api) {
    this.#api = api;
    this.#folder = mkdtempSync(join(tmpdir(), 'tiangong-kubectl-'));
    api.onEnd(() => rmSync(this.#folder, { recursive: true, force: true }));
    api.normaliser.alias(this.#folder, '<folder>');
    api.normaliser.alias(api.server.url, '<server>');
    api.normaliser.alias(new URL(api.server.url).host, '<host>');
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.#folder,
      KUBECACHEDIR: cacheOf(api.server),
      KUBECONFIG: this.file('kubeconfig.json', kubeconfig(api)),
    };
  }

  /** Writes a file that commands may name and returns its path. */
  file(name: string, content: string | object): string {
    const path = join(this.#folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o755 });
    return path;
  }

  /** Runs `kubectl` with a command line that has no quoting: arguments are separated by blanks. */
  run(line: string, options: RunOptions = {}): Promise<Output> {
    return this.runArgs(line.split(' '), options);
  }

  async runArgs(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const child = spawn(binary('kubectl'), args, { env: { ...this.#env, ...options.env }, timeout: DEADLINE_MS });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.stdin.on('error', () => undefined).end(options.stdin ?? '');
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject).once('close', (status) => resolve(status ?? -1));
    });
    if (options.recorded !== false) this.#record(args.join(' '), { code, ...output }, options.differences);
    return { code, ...output };
  }

  /** Expects the command to succeed and resolves with what it printed. */
  async print(line: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, options);
    expect({ line, code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  /** Applies a manifest from standard input. */
  apply(manifest: object, flags = ''): Promise<string> {
    return this.print(`apply -f -${flags === '' ? '' : ` ${flags}`}`, { stdin: JSON.stringify(manifest) });
  }

  /** Runs a command that does not end, such as a watch, while `steps` go on; ends it after so many lines. */
  async follow(
    line: string,
    lines: number,
    steps: (seen: (count: number) => Promise<void>) => Promise<void>,
  ): Promise<string> {
    const child = spawn(binary('kubectl'), line.split(' '), { env: this.#env });
    this.#api.onEnd(() => void child.kill('SIGKILL'));
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    const seen = (count: number): Promise<void> =>
      vi.waitFor(() => expect(stdout.trimEnd().split('\n').filter(Boolean).length).toBeGreaterThanOrEqual(count), {
        timeout: DEADLINE_MS,
        interval: 20,
      });
    await steps(seen);
    await seen(lines);
    child.kill('SIGKILL');
    this.#record(line, { code: 0, stdout, stderr: '' });
    return stdout;
  }

  #record(line: string, output: Output, differences?: readonly DifferenceName[]): void {
    const { stdout, stderr } = output;
    const body = {
      code: output.code,
      stdout: this.#comparable(stdout),
      stderr: this.#comparable(stderr.replace(ENDED_WATCH, '')),
    };
    this.#api.record({ step: `kubectl ${this.#api.normaliser.text(line)}`, body }, differences);
  }

  /** Ages change the width of columns: runs of blanks inside lines are made alike. */
  #comparable(text: string): readonly string[] {
    return text
      .replace(
        /(resourceVersion"?: "|Resource Version: +)(\d+)/g,
        (_, key: string, version: string) => `${key}${this.#api.normaliser.version(version)}`,
      )
      .replace(/(^|\s)\d{1,3}s(?=\s|$)/gm, '$1<age>')
      .replace(/(\S)[ \t]{2,}/g, '$1  ')
      .split('\n')
      .map((line) => this.#api.normaliser.text(line.trimEnd()));
  }
}

function cacheOf(server: ConformanceServer): string {
  let folder = caches.get(server.url);
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-kubectl-cache-'));
    const made = folder;
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    caches.set(server.url, folder);
  }
  return folder;
}

function kubeconfig(api: Api): object {
  const { url, token } = api.server;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'c', cluster: { server: url, ...(url.startsWith('https') && { 'insecure-skip-tls-verify': true }) } },
    ],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: api.namespace } }],
    'current-context': 'c',
  };
}
