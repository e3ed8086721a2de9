import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { binary } from '../kubernetes/binaries.ts';
import { freePort } from '../kubernetes/free-port.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { Program } from '../programs/program.ts';
import { readMarkdown } from './markdown.ts';
import { transcript, withoutChance } from './transcript.ts';

/** Between the outputs of two commands; no command prints it. */
const MARK = '\u0001--\u0001';

describe.skipIf(!hasCluster())('the transcript of README.md', () => {
  const home = mkdtempSync(join(tmpdir(), 'tiangong-readme-'));
  let up: Program;
  let port: number;

  beforeAll(async () => {
    const [apiPort, kubePort] = await Promise.all([freePort(), freePort()]);
    port = apiPort;
    const args = ['up', '--home', home, '--port', String(apiPort), '--kube-port', String(kubePort)];
    up = new Program({ name: 'standalone', args, folder: home });
    up.start();
    await vi.waitFor(async () => expect(await agentStatus(port)).toBe('online'), { timeout: 60_000, interval: 100 });
  });

  afterAll(async () => {
    await up.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('can be repeated by anyone', () => {
    const steps = transcript(readMarkdown('README.md'));
    const script = steps.map(({ command }) => command).join(`\nprintf '${MARK}\\n'\n`);
    const { stdout, stderr } = spawnSync('bash', ['-c', script.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)], {
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: `${dirname(binary('kubectl'))}:${process.env['PATH'] ?? ''}`,
        KUBECONFIG: join(home, 'kubeconfig'),
      },
    });
    const outputs = stdout.replaceAll(`127.0.0.1:${port}`, '127.0.0.1:8080').split(`${MARK}\n`);
    expect(steps.length).toBeGreaterThan(8);
    expect({ stderr, outputs: outputs.map(withoutChance) }).toEqual({
      stderr: '',
      outputs: steps.map(({ output }) => withoutChance(output)),
    });
  });
});

async function agentStatus(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/agents/local/status`);
    return ((await answer.json()) as { status: string }).status;
  } catch {
    return 'not listening';
  }
}
