import { hash } from 'node:crypto';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StreamReceiver, TOKEN } from '../testing/stream-receiver.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { TiangongApi } from '../tiangong-api.ts';
import { keptOutput } from './kept-output.ts';
import { TaskOutput } from './task-output.ts';
import { Uploader } from './uploader.ts';

const never = new AbortController().signal;
const id = { uid: 'uid-1', epoch: 1 };

async function receiver(): Promise<StreamReceiver> {
  const made = await new StreamReceiver().listen();
  onTestFinished(() => made.close());
  return made;
}

function uploaderTo(url: string, folder: string): Uploader {
  const api = new TiangongApi({ url, token: () => Promise.resolve(TOKEN) });
  const uploader = new Uploader({ api, folder, limit: 1024 ** 3, logger: pino({ level: 'silent' }) });
  onTestFinished(async () => {
    await uploader.close();
    await api.close();
  });
  return uploader;
}

const options = { ...id, resumable: true, onOverflow: () => undefined };
const begin = (uploader: Uploader): TaskOutput => new TaskOutput({ ...options, uploader });

/** What a process finds that starts when the other one is killed. */
async function goOn(url: string, folder: string): Promise<{ uploader: Uploader; output: TaskOutput; left: string }> {
  const left = temporaryFolder();
  cpSync(folder, left, { recursive: true });
  const uploader = uploaderTo(url, left);
  await uploader.recover(new Set(['uid-1/1']));
  const kept = await keptOutput(uploader, id.uid, id.epoch);
  return { uploader, output: new TaskOutput({ ...options, uploader, resumed: true, kept }), left };
}

describe('The output of a run that goes on after a crash', () => {
  it('has everything up to the last checkpoint once, and nothing of what came after it', async () => {
    const api = await receiver();
    const folder = temporaryFolder();
    const first = begin(uploaderTo(api.url, folder));
    void first.log('info', 'one', 'two');
    await first.write(Buffer.from('first '));
    await first.checkpoint({ through: 4, committed: 4, entries: 1 });
    await first.write(Buffer.from('half of the sec'));
    const { output, left } = await goOn(api.url, folder);
    expect(output.kept).toEqual({ through: 4, committed: 4, entries: 1 });
    await output.write(Buffer.from('second'));
    void output.log('info', 'three');
    const { result, log } = await output.end();
    expect(result).toMatchObject({ text: 'first second', bytes: 12, sha256: hash('sha256', 'first second') });
    expect(log.lines?.map(({ id: number, message }) => [number, message])).toEqual([
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ]);
    await output.acknowledged(never);
    expect(readdirSync(left).filter((name) => name.endsWith('.result'))).toEqual([]);
    expect(api.violations).toEqual([]);
  });

  it('is whole in the store when it is long, and no line of its log is there twice', { timeout: 60_000 }, async () => {
    const api = await receiver();
    const folder = temporaryFolder();
    const first = begin(uploaderTo(api.url, folder));
    const piece = Buffer.alloc(3_000_000, 'abcdefghij');
    for (let i = 0; i < 3000; i += 1) void first.log('info', `line ${i}`);
    await first.write(piece);
    await first.checkpoint({ through: 1, committed: 1, entries: 1 });
    await first.write(Buffer.alloc(9_000_000, 'x'));
    await vi.waitFor(() => expect(api.bytes('uid-1', 1, 'log').length).toBeGreaterThan(0));
    expect(api.bytes('uid-1', 1, 'result').length).toBe(0);
    const { output } = await goOn(api.url, folder);
    for (let i = 3000; i < 4000; i += 1) void output.log('info', `line ${i}`);
    await output.write(Buffer.from('end'));
    const { result, log } = await output.end();
    const whole = Buffer.concat([piece, Buffer.from('end')]);
    expect(result).toMatchObject({ bytes: whole.length, sha256: hash('sha256', whole), truncated: true });
    expect(log.total).toBe(4000);
    await output.acknowledged(never);
    await vi.waitFor(() => expect(api.isComplete('uid-1', 1, 'log')).toBe(true), { timeout: 20_000 });
    expect(api.bytes('uid-1', 1, 'result').equals(whole)).toBe(true);
    const messages = api.bytes('uid-1', 1, 'log').toString().trimEnd().split('\n');
    expect(messages.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(
      Array.from({ length: 4000 }, (_, i) => `line ${i}`),
    );
  });

  it('keeps nothing of the result without a checkpoint', async () => {
    const api = await receiver();
    const folder = temporaryFolder();
    const first = begin(uploaderTo(api.url, folder));
    await first.write(Buffer.from('half'));
    await vi.waitFor(() => expect(readdirSync(join(folder, 'uid-1.1.result'))).toEqual(['0']));
    const { output } = await goOn(api.url, folder);
    expect(output.kept).toBeUndefined();
    await output.write(Buffer.from('whole'));
    expect((await output.end()).result.text).toBe('whole');
  });

  it('says that there is no rollback, since what was changed before is not known', async () => {
    const api = await receiver();
    const { output } = await goOn(api.url, temporaryFolder());
    void output.rollback.write(Buffer.from('DELETE FROM t;'));
    output.rollback.end({ available: true, exact: true, statements: 1 });
    expect((await output.end()).rollback).toMatchObject({ available: false, statements: 0, bytes: 0 });
  });

  it('is uploaded as it is when the run does not go on', async () => {
    const api = await receiver();
    const folder = temporaryFolder();
    const first = begin(uploaderTo(api.url, folder));
    void first.log('info', 'one');
    await first.write(Buffer.from('result'));
    await first.checkpoint({ through: 1, committed: 1, entries: 1 });
    const left = temporaryFolder();
    cpSync(folder, left, { recursive: true });
    const uploader = uploaderTo(api.url, left);
    await uploader.recover(new Set(['uid-1/1']));
    await uploader.finishRun('uid-1', 1);
    await vi.waitFor(() => expect(api.isComplete('uid-1', 1, 'result')).toBe(true));
    expect(api.bytes('uid-1', 1, 'result').toString()).toBe('result');
  });
});
