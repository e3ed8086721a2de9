import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import { isRunAlive, processStart } from '../../process-table.ts';
import { TaskAborted } from '../executor.ts';
import { HostNamespaces } from './host-namespaces.ts';
import { ShellExecutor } from './shell-executor.ts';

/** Whether this user may make namespaces and enter them, as an agent with access to its host may. */
const mayEnter = ((): boolean => {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['-m', '-u', '-i', '-n', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/**
 * A "host": a process with file systems, network and names of its own, whose process ids are ours, as an agent in a pod
 * with hostPID sees its node. Its /mnt is a folder that is empty here.
 */
async function startHost(): Promise<{ host: ChildProcess; pid: number }> {
  const script =
    'mount -t tmpfs none /mnt && hostname the-node && mkdir /mnt/real && ln -s /mnt/real /mnt/link && echo ready && exec sleep 3600';
  const host = spawn('unshare', ['-m', '-u', '-i', '-n', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => host.stdout.once('data', resolve));
  return { host, pid: host.pid! };
}

describe.skipIf(!mayEnter)('A shell task on the host', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tiangong-host-')));
  let host: ChildProcess;
  let executor: ShellExecutor;
  const run = (command: string, params: Record<string, unknown> = {}): ReturnType<typeof execute> =>
    execute(executor, { command, params });

  beforeAll(async () => {
    const { host: started, pid } = await startHost();
    host = started;
    executor = new ShellExecutor({ workFolder: folder, hostPid: pid, killGraceMs: 300 });
    await executor.prepare();
  });
  afterAll(() => {
    host.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it("has the host's files, names and network", async () => {
    const { outcome, result } = await run(
      'hostname; ls -d /mnt/real; ls /sys/class/net >/dev/null; cat /proc/net/dev | grep -c :',
    );
    expect(outcome.state).toBe('Succeeded');
    expect(result.toString()).toBe('the-node\n/mnt/real\n1\n');
    expect(existsSync('/mnt/real')).toBe(false);
  });

  it("heeds shell, cwd and stdin, also by links of the host's", async () => {
    const params = { shell: 'bash', cwd: '/mnt/link', stdin: 'in\nmore\n' };
    const { result } = await run('pwd -P; read line; echo "$line ${BASH_VERSION:+bash}"', params);
    expect(result.toString()).toBe('/mnt/real\nin bash\n');
  });

  it("is given the host's own shell by its path: for a bare name busybox would take its own", async () => {
    const namespaces = new HostNamespaces(folder, host.pid);
    await namespaces.prepare();
    const { args } = namespaces.program('bash', ['-c', 'true'], '/');
    expect(args.slice(args.indexOf('--'), args.indexOf('--') + 3)).toEqual(['--', '/bin/sh', '-c']);
  });

  it('says what the host lacks before anything is run', async () => {
    const other = await run('true', { cwd: '/mnt/none' });
    expect(other.outcome).toMatchObject({
      reason: 'InvalidParams',
      message: "params.cwd: /mnt/none is not a folder on the agent's host",
    });
    for (const shell of ['no-such-shell', '/mnt/no-such-shell'])
      expect((await run('true', { shell })).outcome.message).toBe(`params.shell: ${shell} is not on the agent's host`);
  });

  it('says how a command failed', async () => {
    expect((await run('exit 7')).outcome).toMatchObject({ reason: 'CommandFailed', exitCode: 7 });
    expect((await run('kill -9 $$')).outcome).toMatchObject({
      message: 'command failed: signal: killed',
      exitCode: 137,
    });
  });

  it('is the very process that the journal is told of', async () => {
    const uid = randomUUID();
    const controller = new AbortController();
    let told = 0;
    const execution = execute(executor, {
      command: 'echo $$; exec sleep 600',
      uid,
      signal: controller.signal,
      onProcess: (pid) => (told = pid),
    });
    await vi.waitFor(() => expect(readFileSync(`/proc/${told}/cmdline`, 'utf8')).toBe('sleep\x00600\0'));
    const start = await processStart(told);
    expect(start).toMatch(/\/\d+$/);
    controller.abort(new TaskAborted('User', 'enough'));
    const { result } = await execution;
    expect(result.toString()).toBe(`${told}\n`);
    expect(await processStart(told)).toBeUndefined();
  });

  it('is ended with its whole group and what left it', async () => {
    const uid = randomUUID();
    const controller = new AbortController();
    const command = `setsid sh -c 'trap "" TERM; echo left; while :; do sleep 0.05; done' & while :; do sleep 0.05; done`;
    let printed = '';
    const onResult = (bytes: Buffer): undefined => void (printed += bytes.toString());
    const execution = execute(executor, { command, uid, signal: controller.signal, onResult });
    await vi.waitFor(() => expect(printed).toBe('left\n'));
    expect(await isRunAlive({ run: `${uid}/1`, group: undefined })).toBe(true);
    controller.abort(new TaskAborted('User', 'enough'));
    await execution;
    expect(await isRunAlive({ run: `${uid}/1`, group: undefined })).toBe(false);
  });

  it('finds its file and a command that is longer than an argument, though the host has them nowhere', async () => {
    const hidden = join(folder, randomUUID());
    mkdirSync(hidden);
    // Only here: the host was started before, and keeps what it has.
    execFileSync('mount', ['-t', 'tmpfs', 'none', hidden]);
    try {
      const away = new ShellExecutor({ workFolder: hidden, hostPid: host.pid! });
      await away.prepare();
      const path = join(folder, randomUUID());
      writeFileSync(path, 'SELECT 1;');
      const file = { id: 'file-1', path, name: 'a b.sql', bytes: 9, release: () => undefined };
      const command = `pwd; cat "$TIANGONG_FILE"; : ${'y'.repeat(200_000)}`;
      const { outcome, result } = await execute(away, { command, file });
      expect([outcome.state, result.toString()]).toEqual(['Succeeded', '/\nSELECT 1;']);
    } finally {
      execFileSync('umount', ['-l', hidden]);
    }
  });

  it('runs in the work folder when the host has it at the same path', async () => {
    expect((await run('pwd')).result.toString().trim()).toBe(folder);
  });

  it('follows links no further than the kernel does', async () => {
    const namespaces = new HostNamespaces(folder, host.pid);
    await namespaces.prepare();
    const [circle, far] = [randomUUID(), randomUUID()];
    symlinkSync(circle, join(folder, circle));
    symlinkSync('../../../..//proc/./self/..', join(folder, far));
    expect(await namespaces.hasFolder(join(folder, circle))).toBe(false);
    expect(await namespaces.hasFolder(join(folder, far))).toBe(true);
    expect(await namespaces.hasFolder('/')).toBe(true);
  });

  it('is refused at the start where process 1 is not the host, or may not be entered', async () => {
    const own = new ShellExecutor({ workFolder: folder, hostPid: process.pid });
    await expect(own.prepare()).rejects.toThrow(
      `shell.nsenter: process ${process.pid} is in the agent's own mount namespace: give the pod hostPID`,
    );
    const none = new ShellExecutor({ workFolder: folder, hostPid: 2 ** 30 });
    await expect(none.prepare()).rejects.toThrow('cannot be read (ENOENT): run the agent privileged, as root');
    vi.stubEnv('PATH', '/nowhere');
    const without = new ShellExecutor({ workFolder: folder, hostPid: host.pid! });
    await expect(without.prepare()).rejects.toThrow('there is no program nsenter on the PATH of the agent');
    vi.unstubAllEnvs();
  });

  describeExecutor('ShellExecutor on the host', () => {
    const begun = join(folder, `begun-${randomUUID()}`);
    return Promise.resolve({
      executor,
      succeeding: { command: 'echo hi' },
      failing: { command: 'exit 3' },
      endless: {
        command: `touch ${begun}; sleep 600`,
        begun: () => vi.waitFor(() => expect(existsSync(begun)).toBe(true)),
      },
      big: (bytes) => ({ command: `head -c ${bytes} /dev/zero | tr '\\0' x` }),
      invalid: [{ command: ' ' }, { command: 'true', params: { cwd: '/no/such' } }],
    });
  });
});
