import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { binary } from '../kubernetes/binaries.ts';
import { freePort } from '../kubernetes/free-port.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { Program } from '../programs/program.ts';
import { hasServices, service } from '../services/service.ts';
import { ConsumerProcess } from '../sync/consumer-process.ts';
import { readMarkdown } from './markdown.ts';
import { transcript, withoutChance } from './transcript.ts';

/** Between the outputs of two commands; no command prints it. */
const MARK = '\u0001--\u0001';

describe.skipIf(!hasCluster())('the transcripts', () => {
  let home: string;
  let demo: string;
  let up: Program;
  let consumer: ConsumerProcess;
  let port: number;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'tiangong-readme-'));
    // Not below the home, which no task may look into.
    demo = mkdtempSync(join(tmpdir(), 'tiangong-demo-'));
    consumer = new ConsumerProcess();
    const [apiPort, kubePort] = await Promise.all([freePort(), freePort()]);
    port = apiPort;
    const args = ['up', '--home', home, '--port', String(apiPort), '--kube-port', String(kubePort)];
    up = new Program({ name: 'standalone', args, folder: home });
    up.start();
    await consumer.start();
    await vi.waitFor(async () => expect(await agentStatus(port)).toBe('online'), { timeout: 60_000, interval: 100 });
  });

  afterEach(async () => {
    await up.stop();
    await consumer.kill();
    for (const folder of [home, demo]) rmSync(folder, { recursive: true, force: true });
  });

  it.for([
    ['README.md', 9, []],
    ['docs/sync.md', 12, []],
    ['docs/sync/mysql.md', 12, ['mysql']],
  ] as const)('of %s can be repeated by anyone', { timeout: 250_000 }, async ([path, atLeast, services], { skip }) => {
    if (!services.every((name) => hasServices(name))) skip();
    for (const name of services) await service(name);
    const steps = transcript(readMarkdown(path));
    const script = steps.map(({ command }) => command).join(`\nprintf '${MARK}\\n'\n`);
    const places: [string, string][] = [
      ['127.0.0.1:8080', `127.0.0.1:${port}`],
      ['127.0.0.1:18000', new URL(consumer.addresses.url).host],
      ['/tmp/tiangong-demo', demo],
    ];
    const here = places.reduce((text, [shown, real]) => text.replaceAll(shown, real), script);
    const { stdout, stderr } = spawnSync('bash', ['-c', here], {
      encoding: 'utf8',
      timeout: 240_000,
      env: {
        ...process.env,
        PATH: `${dirname(binary('kubectl'))}:${process.env['PATH'] ?? ''}`,
        KUBECONFIG: join(home, 'kubeconfig'),
      },
    });
    const outputs = places.reduce((text, [shown, real]) => text.replaceAll(real, shown), stdout).split(`${MARK}\n`);
    expect(steps.length).toBeGreaterThanOrEqual(atLeast);
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
