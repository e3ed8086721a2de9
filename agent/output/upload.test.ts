import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StreamReceiver, TOKEN } from '../testing/stream-receiver.ts';
import type { Fault } from '../testing/stream-receiver.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { TiangongApi } from '../tiangong-api.ts';
import { TaskOutput } from './task-output.ts';
import { Uploader } from './uploader.ts';

const never = new AbortController().signal;
const hurry = AbortSignal.abort();
/** For what takes seconds of a processor, which may be busy. */
const LONG = { timeout: 60_000 };

async function receiver(): Promise<StreamReceiver> {
  const made = await new StreamReceiver().listen();
  onTestFinished(() => made.close());
  return made;
}

function uploaderTo(
  url: string,
  folder = temporaryFolder(),
  limit = 1024 ** 3,
): { uploader: Uploader; folder: string } {
  const api = new TiangongApi({ url, token: () => Promise.resolve(TOKEN) });
  const uploader = new Uploader({ api, folder, limit, logger: pino({ level: 'silent' }) });
  onTestFinished(async () => {
    await uploader.close();
    await api.close();
  });
  return { uploader, folder };
}

function outputTo(uploader: Uploader | undefined, uid = 'uid-1'): { output: TaskOutput; overflows: string[] } {
  const overflows: string[] = [];
  return {
    output: new TaskOutput({ uid, epoch: 1, uploader, onOverflow: (message) => overflows.push(message) }),
    overflows,
  };
}

async function print(output: TaskOutput, bytes: Buffer, size = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) await output.write(bytes.subarray(at, at + size));
}

/** Bytes of which no two pieces of a chunk's size are the same. */
function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size, randomBytes(65_521));
  for (let at = 0; at + 4 <= size; at += 65_536) bytes.writeUInt32BE(at, at);
  return bytes;
}

describe('TaskOutput', () => {
  it('makes no call and no file for a short task with a small output', async () => {
    const api = await receiver();
    const { uploader, folder } = uploaderTo(api.url);
    const { output } = outputTo(uploader);
    void output.log('info', 'Task started');
    await output.write(Buffer.from('hi\n'));
    const { result, log } = await output.end();
    await output.acknowledged(never);
    expect(result).toEqual({ text: 'hi\n', bytes: 3, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(log).toMatchObject({ total: 1, lines: [{ id: 1, level: 'info', message: 'Task started' }] });
    expect(log.truncated).toBeUndefined();
    expect([api.puts, readdirSync(folder)]).toEqual([0, []]);
  });

  it('uploads a large result and a large log whole, in chunks, and names them in the status', LONG, async () => {
    const api = await receiver();
    const { uploader, folder } = uploaderTo(api.url);
    const { output } = outputTo(uploader);
    const bytes = pattern(20_000_001);
    await print(output, bytes);
    for (let i = 0; i < 100; i += 1)
      await output.log('info', ...Array.from({ length: 1000 }, (_, n) => `line ${i * 1000 + n} 天`));
    const { result, log } = await output.end();
    await output.acknowledged(never);
    expect(result).toMatchObject({ bytes: bytes.length, truncated: true, ref: 'uid-1/1/result' });
    expect(log).toMatchObject({ total: 100_000, truncated: true, ref: 'uid-1/1/log' });
    expect(api.bytes('uid-1', 1, 'result').equals(bytes)).toBe(true);
    const lines = api
      .bytes('uid-1', 1, 'log')
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number });
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: 100_000 }, (_, i) => i + 1));
    expect([api.isComplete('uid-1', 1, 'result'), api.isComplete('uid-1', 1, 'log'), api.violations]).toEqual([
      true,
      true,
      [],
    ]);
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]));
  });

  it('uploads a small result that is not UTF-8, so that its bytes can be had', async () => {
    const api = await receiver();
    const { output } = outputTo(uploaderTo(api.url).uploader);
    await output.write(Buffer.from([0xff, 0x00]));
    const { result } = await output.end();
    await output.acknowledged(never);
    expect(result).toMatchObject({ text: '\uFFFD\0', bytes: 2, truncated: true, ref: 'uid-1/1/result' });
    expect(api.bytes('uid-1', 1, 'result')).toEqual(Buffer.from([0xff, 0]));
  });

  it('shows the log of a task that is still running', async () => {
    const api = await receiver();
    const { output } = outputTo(uploaderTo(api.url).uploader);
    void output.log('info', 'still here');
    await vi.waitFor(() => expect(api.bytes('uid-1', 1, 'log').toString()).toContain('still here'));
    void output.log('info', 'and now');
    await vi.waitFor(() => expect(api.bytes('uid-1', 1, 'log').toString()).toContain('and now'));
    const { log } = await output.end();
    expect([log.total, log.truncated]).toEqual([2, undefined]);
    await vi.waitFor(() => expect(api.isComplete('uid-1', 1, 'log')).toBe(true));
  });

  it('neither loses nor doubles a byte when answers, requests and the store fail now and then', LONG, async () => {
    const api = await receiver();
    const faults: (Fault | undefined)[] = [
      'lost-answer',
      undefined,
      'unavailable',
      'lost-request',
      undefined,
      'full',
      'lost-answer',
    ];
    let put = 0;
    api.fault = () => faults[put++ % faults.length];
    const { output } = outputTo(uploaderTo(api.url).uploader);
    const bytes = pattern(5_000_000);
    await print(output, bytes);
    for (let i = 0; i < 20_000; i += 1) await output.log('info', `line ${i}`);
    await output.end();
    await vi.waitFor(
      () => expect(api.isComplete('uid-1', 1, 'result') && api.isComplete('uid-1', 1, 'log')).toBe(true),
      { timeout: 45_000 },
    );
    expect(api.bytes('uid-1', 1, 'result').equals(bytes)).toBe(true);
    expect(api.bytes('uid-1', 1, 'log').toString().trimEnd().split('\n')).toHaveLength(20_000);
    expect(api.violations).toEqual([]);
  });

  it('keeps on disk what the API does not take, and a later process uploads it', async () => {
    const away = uploaderTo('http://127.0.0.1:9');
    const { output } = outputTo(away.uploader);
    const bytes = pattern(20_000_000);
    await print(output, bytes);
    const { result } = await output.end();
    await output.acknowledged(hurry);
    expect(result).toMatchObject({ truncated: true, ref: 'uid-1/1/result' });
    await away.uploader.close();
    const api = await receiver();
    const { uploader, folder } = uploaderTo(api.url, away.folder);
    await uploader.recover();
    await vi.waitFor(() => expect(api.isComplete('uid-1', 1, 'result')).toBe(true), { timeout: 20_000 });
    expect(api.bytes('uid-1', 1, 'result').equals(bytes)).toBe(true);
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]));
  });

  it('resumes where the API is, ending a log that a crash cut with its last whole line', async () => {
    const api = await receiver();
    const first = uploaderTo(api.url);
    const { output } = outputTo(first.uploader);
    for (let i = 0; i < 5000; i += 1) void output.log('info', `line ${i}`);
    await vi.waitFor(() => expect(api.bytes('uid-1', 1, 'log').length).toBeGreaterThan(0));
    api.fault = () => 'unavailable';
    for (let i = 5000; i < 10_000; i += 1) void output.log('info', `line ${i}`);
    await first.uploader.close();
    await appendFile(join(first.folder, 'uid-1.1.log', '0'), '{"id":10001,"lev');
    api.fault = undefined;
    const { uploader } = uploaderTo(api.url, first.folder);
    await uploader.recover();
    await vi.waitFor(() => expect(api.isComplete('uid-1', 1, 'log')).toBe(true));
    const lines = api
      .bytes('uid-1', 1, 'log')
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number });
    expect(lines.map(({ id }) => id)).toEqual(lines.map((_, index) => index + 1));
    expect(api.violations).toEqual([]);
  });

  it('says when there is no room on disk, once, and keeps what it has', async () => {
    const { uploader, folder } = uploaderTo('http://127.0.0.1:9', temporaryFolder(), 2_000_000);
    const { output, overflows } = outputTo(uploader);
    await print(output, pattern(5_000_000));
    expect(overflows).toEqual([expect.stringContaining('output is not kept beyond 2000000 bytes')]);
    expect((await output.end()).result).toMatchObject({ bytes: 5_000_000, truncated: true });
    expect(existsSync(join(folder, 'uid-1.1.result', '0'))).toBe(true);
  });

  it('says that what cannot be kept of a rollback cannot be run', async () => {
    const { uploader } = uploaderTo('http://127.0.0.1:9', temporaryFolder(), 2_000_000);
    const { output, overflows } = outputTo(uploader);
    for (let n = 0; n < 50; n += 1) await output.rollback.write(pattern(100_000));
    output.rollback.end({ available: true, exact: true, statements: 50 });
    const message = 'it could not be kept: output is not kept beyond 2000000 bytes';
    expect((await output.end()).rollback).toMatchObject({
      ...{ available: false, bytes: 5_000_000, truncated: true, message: expect.stringContaining(message) as string },
    });
    expect(overflows).toHaveLength(1);
  });

  it('holds a producer back while the API is slow, and lets it go on when the API is away', async () => {
    const api = await receiver();
    const gate = Promise.withResolvers<void>();
    api.hold = gate.promise;
    const { uploader } = uploaderTo(api.url);
    const { output } = outputTo(uploader);
    const block = Buffer.alloc(1024 * 1024);
    let printed = 0;
    const printing = (async () => {
      for (; printed < 100; printed += 1) await output.write(block);
    })();
    await vi.waitFor(() => expect(printed).toBeGreaterThan(60), { timeout: 20_000 });
    expect(printed).toBeLessThan(70);
    api.fault = () => 'unavailable';
    gate.resolve();
    await printing;
    expect(printed).toBe(100);
  });

  it('removes what nobody waits for', async () => {
    const { uploader, folder } = uploaderTo('http://127.0.0.1:9');
    const { output } = outputTo(uploader);
    await print(output, pattern(100_000));
    await output.abandon();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says so when there is no API to keep the whole', async () => {
    const { output } = outputTo(undefined);
    await print(output, pattern(100_000));
    const { result, log } = await output.end();
    expect([result.truncated, result.ref]).toEqual([true, undefined]);
    expect(log.lines?.at(-1)).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('no address of the API') as string,
    });
  });
});
