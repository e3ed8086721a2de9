import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { isRunAlive, markedProcesses } from '../../process-table.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { TaskAborted } from '../executor.ts';
import { SecurityPolicy } from './security-policy.ts';
import { ShellExecutor } from './shell-executor.ts';

const workFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
afterAll(() => rmSync(workFolder, { recursive: true, force: true }));
const executor = new ShellExecutor({ workFolder, killGraceMs: 300 });
const run = (command: string, params: Record<string, unknown> = {}): ReturnType<typeof execute> =>
  execute(executor, { command, params });
const exists = (path: string): Promise<void> =>
  vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 20_000 });

describeExecutor('ShellExecutor', () => {
  const begun = join(workFolder, `begun-${randomUUID()}`);
  return Promise.resolve({
    executor,
    succeeding: { command: 'echo hi' },
    failing: { command: 'exit 3' },
    endless: { command: `touch ${begun}; sleep 600`, begun: () => exists(begun) },
    big: (bytes) => ({ command: `head -c ${bytes} /dev/zero | tr '\\0' x` }),
    invalid: [
      { command: ' \n ' },
      { command: 'a\0b' },
      { command: 'true', params: { shell: 'no-such-shell' } },
      { command: 'true', params: { cwd: '/no/such/folder' } },
      { command: 'true', params: { cwd: 'relative' } },
      { command: 'true', params: { env: { 'A=B': 'c' } } },
      { command: 'true', params: { env: { TIANGONG_TASK: 'x' } } },
      { command: 'true', params: { env: { A: 1 } } },
      { command: 'true', params: { stdin: 1 } },
    ],
  });
});

describe('ShellExecutor', () => {
  it('gives both outputs byte for byte as the result and line by line as the log', async () => {
    // Each piece is written when the one before has been read: two outputs have no order of their own.
    const read = join(workFolder, randomUUID());
    let pieces = 0;
    const onResult = (): undefined => writeFileSync(`${read}-${(pieces += 1)}`, '') as undefined;
    const command = `echo out; until [ -e ${read}-1 ]; do sleep 0.01; done; echo err >&2; until [ -e ${read}-2 ]; do sleep 0.01; done; printf "no end"`;
    const { result, log, outcome } = await execute(executor, { command, onResult });
    expect(result.toString()).toBe('out\nerr\nno end');
    expect(log).toEqual([
      { level: 'info', message: expect.stringMatching(/^Executing command: echo out/) as string },
      { level: 'info', message: 'out' },
      { level: 'error', message: 'err' },
      { level: 'info', message: 'no end' },
      { level: 'info', message: 'Command completed successfully' },
    ]);
    expect(outcome).toEqual({ state: 'Succeeded', message: 'exit status 0', exitCode: 0 });
  });

  it('keeps blank lines and bytes that are not UTF-8 in the result', async () => {
    const { result } = await run(String.raw`printf '\n\n\377\000a\n'`);
    expect(result).toEqual(Buffer.from([10, 10, 255, 0, 97, 10]));
  });

  it.each([
    ['exit 7', 'command failed: exit status 7', 7],
    ['kill -9 $$', 'command failed: signal: killed', 137],
    ['kill -15 $$', 'command failed: signal: terminated', 143],
    ['no-such-command-here', 'command failed: exit status 127', 127],
  ])('says how %s failed', async (command, message, exitCode) => {
    const { outcome, log } = await run(command);
    expect(outcome).toEqual({ state: 'Failed', reason: 'CommandFailed', message, exitCode });
    expect(log.at(-1)).toEqual({ level: 'error', message: message.replace('command', 'Command') });
  });

  it('gives the command a clean environment, its own variables and the marker', async () => {
    process.env['SECRET_OF_THE_AGENT'] = 'x';
    const { result } = await run('env', { env: { GREETING: 'hello world', PATH: '/bin:/usr/bin' } });
    delete process.env['SECRET_OF_THE_AGENT'];
    const names = result
      .toString()
      .split('\n')
      .map((line) => line.split('=')[0])
      .filter((name) => name !== '');
    const allowed = ['PATH', 'HOME', 'LANG', 'TZ', 'GREETING', 'TIANGONG_TASK', 'PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(names.filter((name) => !allowed.includes(name ?? ''))).toEqual([]);
    expect(result.toString()).toContain('GREETING=hello world\n');
    expect(result.toString()).toContain('PATH=/bin:/usr/bin\n');
  });

  it('heeds shell, cwd and stdin', async () => {
    const { result } = await run('pwd; read line; echo "$line ${BASH_VERSION:+bash}"', {
      shell: 'bash',
      cwd: '/',
      stdin: 'in\nmore\n',
    });
    expect(result.toString()).toBe('/\nin bash\n');
  });

  it('does not mind a command that leaves its input unread', async () => {
    const { outcome } = await run('true', { stdin: 'x'.repeat(60_000) });
    expect(outcome.state).toBe('Succeeded');
  });

  it('runs in its work folder, and a command longer than an argument may be', async () => {
    const long = `echo ${'y'.repeat(200_000)}; cat`;
    const { result, outcome } = await run(long, { stdin: 'from stdin' });
    expect(outcome.state).toBe('Succeeded');
    expect(result.length).toBe(200_001 + 'from stdin'.length);
    expect((await run('pwd')).result.toString().trim()).toBe(workFolder);
    expect(readdirSync(workFolder).filter((name) => name.endsWith('.sh'))).toEqual([]);
  });

  it('gives what came until shortly after the end when a process that it left holds its output', async () => {
    const uid = randomUUID();
    const work = { command: 'setsid sleep 600 & echo started', uid };
    const { outcome, result, log } = await execute(executor, work);
    expect([outcome.state, result.toString()]).toEqual(['Succeeded', 'started\n']);
    expect(log).toContainEqual({ level: 'warn', message: expect.stringContaining('left processes behind') as string });
    // What a command leaves running on purpose stays, and is known by its marker.
    const left = await markedProcesses(`${uid}/1`);
    expect(left).toHaveLength(1);
    for (const pid of left) process.kill(pid, 'SIGKILL');
  });

  it('ends the whole group and what left it when aborted: TERM first, then KILL', async () => {
    const uid = randomUUID();
    const told = join(workFolder, randomUUID());
    const detached = join(workFolder, randomUUID());
    // Long enough for a shell on a busy machine to heed the TERM.
    const lenient = new ShellExecutor({ workFolder, killGraceMs: 3000 });
    const command = `trap 'echo x > ${told}' TERM; setsid sh -c 'trap "" TERM; echo x > ${detached}; while :; do sleep 0.05; done' & while :; do sleep 0.05; done`;
    const controller = new AbortController();
    const execution = execute(lenient, { command, uid, signal: controller.signal });
    await exists(detached);
    controller.abort(new TaskAborted('User', 'enough'));
    await execution;
    expect(readFileSync(told, 'utf8')).toBe('x\n');
    expect(await isRunAlive({ run: `${uid}/1`, group: undefined })).toBe(false);
  });

  it('refuses what its policy blocks and audits every decision', async () => {
    const decisions: unknown[] = [];
    const policy = SecurityPolicy.parse('blocked_patterns: [{pattern: "rm +-rf", reason: removes too much}]', 'policy');
    const guarded = new ShellExecutor({ workFolder, policy, audit: (entry) => decisions.push(entry) });
    const file = join(workFolder, 'precious');
    writeFileSync(file, '');
    const denied = await execute(guarded, { command: `rm -rf ${file}` });
    expect(denied.outcome).toEqual({
      state: 'Failed',
      reason: 'SecurityPolicyViolation',
      message: 'security validation failed: command blocked by security policy: removes too much',
    });
    expect(denied.log[0]?.level).toBe('audit');
    expect(existsSync(file)).toBe(true);
    const allowed = await execute(guarded, { command: 'true' });
    expect([allowed.outcome.state, allowed.log[0]?.level]).toEqual(['Succeeded', 'audit']);
    expect(decisions).toMatchObject([{ allowed: false }, { allowed: true }]);
  });

  describe('of a task with a file', () => {
    const fileOf = (name: string, text: string): TaskFile & { released: number } => {
      const path = join(workFolder, randomUUID());
      writeFileSync(path, text, { mode: 0o400 });
      const file = { id: 'file-1', path, name, bytes: text.length, released: 0 };
      return Object.assign(file, { release: () => void (file.released += 1) });
    };
    const copies = (): string[] => readdirSync(workFolder).filter((name) => name.startsWith('.file-'));

    it('has a copy of its own at $TIANGONG_FILE, under the name of the file, until it ends', async () => {
      const file = fileOf("it's 1.sql", 'SELECT 1;');
      const command =
        'basename "$TIANGONG_FILE"; cat "$TIANGONG_FILE"; echo changed > "$TIANGONG_FILE"; rm "$TIANGONG_FILE"';
      const { outcome, result, log } = await execute(executor, { command, file });
      expect([outcome.state, result.toString()]).toEqual(['Succeeded', "it's 1.sql\nSELECT 1;"]);
      expect(log[0]).toEqual({ level: 'info', message: "File it's 1.sql (9 bytes) is at $TIANGONG_FILE" });
      expect(readFileSync(file.path, 'utf8')).toBe('SELECT 1;');
      expect([copies(), file.released]).toEqual([[], 1]);
    });

    it('is not run when the file cannot be had', async () => {
      const file = new FileUnavailable('FileNotFound', 'file not found for fileID: x');
      const { outcome, result } = await execute(executor, { command: 'echo ran', file });
      expect(outcome).toEqual({ state: 'Failed', reason: 'FileNotFound', message: 'file not found for fileID: x' });
      expect(result).toHaveLength(0);
    });

    it('leaves no copy when it is stopped', async () => {
      const begun = join(workFolder, randomUUID());
      const controller = new AbortController();
      const command = `touch ${begun}; sleep 600`;
      const execution = execute(executor, { command, file: fileOf('a', 'x'), signal: controller.signal });
      await exists(begun);
      expect(copies()).toHaveLength(1);
      controller.abort(new TaskAborted('User', 'enough'));
      await execution;
      expect(copies()).toEqual([]);
    });
  });
});
