import { hash, randomBytes, randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileServer, TOKEN } from '../testing/file-server.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { TiangongApi } from '../tiangong-api.ts';
import { FileCache } from './file-cache.ts';
import { FileRoots } from './file-roots.ts';
import { TaskFiles } from './task-files.ts';
import type { TaskFile } from './task-file.ts';

const ID = 'file-01J9Z3';
const logger = pino({ level: 'silent' });

/** An agent's files in folders of their own, and the API. */
class Host {
  readonly base = temporaryFolder();
  readonly work = join(this.base, 'state/work');
  readonly temporary = join(this.base, 'temporary');
  readonly uid = randomUUID();
  readonly log: string[] = [];
  readonly server = new FileServer();
  #files: TaskFiles | undefined;

  static async start(options: { api?: boolean; roots?: string[] } = {}): Promise<Host> {
    const host = new Host();
    await host.server.listen();
    onTestFinished(() => host.server.close());
    mkdirSync(join(host.work, 'tmp'), { recursive: true });
    mkdirSync(host.temporary);
    const api = new TiangongApi({ url: host.server.url, token: () => Promise.resolve(TOKEN) });
    onTestFinished(() => api.close());
    const retries = { minMs: 1, maxMs: 2, tries: 4 };
    const cache = await FileCache.open({ folder: join(host.base, 'state/files'), logger, retries });
    host.#files = new TaskFiles({
      cache,
      roots: new FileRoots({ workFolder: host.work, stateFolder: join(host.base, 'state'), roots: options.roots }),
      workFolder: host.work,
      api: options.api === false ? undefined : api,
      temporaryFolder: host.temporary,
      retries,
    });
    return host;
  }

  serve(bytes: Buffer, name = 'a.sql', uid = this.uid): Buffer {
    this.server.files.set(uid, { id: ID, name, bytes });
    return bytes;
  }

  find(params: Record<string, unknown> = {}, fileId: string | undefined = ID, uid = this.uid): Promise<TaskFile> {
    const { signal } = new AbortController();
    const log = (level: string, message: string): void => void this.log.push(`${level}: ${message}`);
    return this.#files!.find({ uid, fileId, params, signal, log });
  }

  findExactly(fileSha256: string): Promise<TaskFile> {
    const { signal } = new AbortController();
    const log = (level: string, message: string): void => void this.log.push(`${level}: ${message}`);
    return this.#files!.find({ uid: this.uid, params: {}, fileId: ID, fileSha256, signal, log });
  }

  findByPath(path: string): Promise<TaskFile> {
    const { signal } = new AbortController();
    return this.#files!.find({ uid: this.uid, fileId: undefined, params: { file_path: path }, signal, log: () => {} });
  }

  get cached(): string {
    return join(this.base, 'state/files');
  }
}

const contentOf = ({ path }: TaskFile): Buffer => readFileSync(path);

describe('TaskFiles', () => {
  it('fetches a file from the API once and says so', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(200_000), '../数据 1.sql');
    const file = await host.find();
    expect(file).toMatchObject({ id: ID, name: '数据 1.sql', bytes: 200_000 });
    expect(contentOf(file).equals(bytes)).toBe(true);
    file.release();
    const again = await host.find();
    expect(again.path).toBe(file.path);
    expect(host.server.requests.map((request) => request.split(' ')[0])).toEqual(['HEAD', 'GET', 'HEAD']);
    expect(host.log).toEqual(['info: File 数据 1.sql was fetched (200000 bytes)']);
  });

  it('goes on after cut connections, errors and refusals that pass', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(1_000_000));
    const faults = ['cut', 'unavailable', 'cut', 'silent', 'cut'] as const;
    let gets = 0;
    host.server.fault = () => faults[gets++];
    expect(contentOf(await host.find()).equals(bytes)).toBe(true);
    expect(host.server.requests.filter((request) => request.includes('bytes=')).length).toBeGreaterThan(2);
  });

  it('begins anew when the API gives no parts', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(100_000));
    const faults = ['cut', 'no-ranges'] as const;
    let gets = 0;
    host.server.fault = () => faults[gets++];
    expect(contentOf(await host.find()).equals(bytes)).toBe(true);
  });

  it.each([
    ['wrong-bytes', 'FileCorrupt'],
    ['too-many-bytes', 'FileCorrupt'],
    ['unavailable', 'FileUnavailable'],
    ['silent', 'FileUnavailable'],
  ] as const)('gives up when the API only ever answers with %s', async (fault, reason) => {
    const host = await Host.start();
    host.serve(randomBytes(1000));
    host.server.fault = () => fault;
    await expect(host.find()).rejects.toMatchObject({ reason });
  });

  it.each(['', '.zip', '.sql', '.sql.gz'])(
    'takes the file that lies in tmp as the id%s, if it is the right one',
    async (suffix) => {
      for (const folder of ['state/work/tmp', 'temporary']) {
        const host = await Host.start();
        const bytes = host.serve(randomBytes(1000));
        writeFileSync(join(host.base, folder, ID + suffix), bytes);
        const file = await host.find();
        expect(contentOf(file).equals(bytes)).toBe(true);
        // Checked and used are one file: in tmp anybody could change it in between.
        expect(file.path.startsWith(host.cached)).toBe(true);
        expect(host.server.requests).toEqual([`HEAD ${host.uid}`]);
      }
    },
  );

  it('takes none that somebody planted, and fetches the right one', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(1000));
    writeFileSync(join(host.work, 'tmp', ID), randomBytes(1000));
    writeFileSync(join(host.temporary, ID), 'DROP DATABASE');
    symlinkSync('/etc/passwd', join(host.temporary, `${ID}.sql`));
    expect(contentOf(await host.find()).equals(bytes)).toBe(true);
    expect(host.log.filter((line) => line.startsWith('warn: '))).toEqual([
      `warn: ${join(host.temporary, ID)}.sql is a symbolic link; it is not used`,
      expect.stringContaining(`${join(host.work, 'tmp', ID)} is not the file ${ID} that was uploaded, and is not used`),
      expect.stringContaining('it has 13 bytes instead of 1000'),
    ]);
  });

  it('takes the first that is there while the API cannot be asked, and says that it is not verified', async () => {
    const host = await Host.start();
    host.server.isAway = true;
    writeFileSync(join(host.temporary, `${ID}.zip`), 'second');
    expect(contentOf(await host.find()).toString()).toBe('second');
    writeFileSync(join(host.work, 'tmp', `${ID}.sql`), 'first');
    expect(contentOf(await host.find()).toString()).toBe('first');
    expect(host.log).toHaveLength(2);
    expect(host.log[0]).toMatch(/^warn: File .* is used without being verified: the API could not be asked: /);
  });

  it('takes what was fetched before while the API cannot be asked', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(1000));
    (await host.find()).release();
    host.server.isAway = true;
    expect(contentOf(await host.find()).equals(bytes)).toBe(true);
    expect(host.log.at(-1)).toMatch(/^warn: File a\.sql is used from the agent's cache/);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "takes no stranger's file from the common folder while nobody can vouch for it",
    async () => {
      const host = await Host.start();
      host.server.isAway = true;
      writeFileSync(join(host.temporary, ID), 'x');
      chownSync(join(host.temporary, ID), 12_345, 12_345);
      await expect(host.find()).rejects.toMatchObject({
        reason: 'FileUnavailable',
        message: expect.stringContaining('was left aside, as it belongs to another user') as string,
      });
    },
  );

  it('says where it has looked for a file that is nowhere', async () => {
    const host = await Host.start();
    await expect(host.find()).rejects.toMatchObject({
      reason: 'FileNotFound',
      message: `file not found for fileID: ${ID} (searched in: ${join(host.work, 'tmp', ID)}[.zip|.sql|.sql.gz], ${join(host.temporary, ID)}[.zip|.sql|.sql.gz], the agent's cache, the API); the API has no such file`,
    });
    writeFileSync(join(host.temporary, ID), 'put there by hand');
    expect(contentOf(await host.find()).toString()).toBe('put there by hand');
    const alone = await Host.start({ api: false });
    await expect(alone.find()).rejects.toThrow('the agent knows no address of the API');
    const refused = await Host.start();
    refused.server.refused.add(refused.uid);
    await expect(refused.find()).rejects.toThrow(/the API could not be asked: .*not assigned to this agent/);
  });

  it('takes a path of a task that names no file, within what the agent allows', async () => {
    const host = await Host.start();
    const path = join(host.base, 'own.sql');
    writeFileSync(path, 'x');
    expect(await host.findByPath(path)).toMatchObject({ id: path, path, name: 'own.sql', bytes: 1 });
    await expect(host.findByPath(join(host.base, 'none'))).rejects.toThrow(
      `file not found: ${join(host.base, 'none')}`,
    );
    await expect(host.findByPath('')).rejects.toThrow('the task names no file (file_id)');
    const bound = await Host.start({ roots: ['/nowhere'] });
    await expect(bound.findByPath(path)).rejects.toMatchObject({ reason: 'FileDenied' });
    await expect(bound.find({ file_path: path })).rejects.toMatchObject({ reason: 'FileDenied' });
    await expect(host.find({ file_path: 7 })).rejects.toThrow('params.file_path must be a string');
  });

  it('takes the path before the id, and the id when nothing is at the path', async () => {
    const host = await Host.start();
    host.serve(Buffer.from('uploaded'));
    const path = join(host.base, 'own.sql');
    expect(contentOf(await host.find({ file_path: path })).toString()).toBe('uploaded');
    expect(host.log[0]).toBe(`info: file not found: ${path} (params.file_path); the uploaded file is used`);
    writeFileSync(path, 'named');
    expect(contentOf(await host.find({ file_path: path })).toString()).toBe('named');
  });

  it('looks for an id nowhere but under its own name, whatever the id', async () => {
    const host = await Host.start({ api: false });
    const outside = join(host.base, 'outside');
    writeFileSync(outside, 'x');
    writeFileSync(join(host.work, 'secret'), 'x');
    const evil = [
      '../secret',
      '../../../outside',
      outside,
      '.',
      '..',
      'a/b',
      'a\0b',
      '-rf',
      '.hidden',
      'x'.repeat(200),
    ];
    for (const id of evil) await expect(host.find({}, id), id).rejects.toThrow(/is no file id$/);
    const part = fc.constantFrom('..', '.', '/', '\\', '\0', 'secret', 'tmp', 'outside', 'a');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        await expect(host.find({}, parts.join(''))).rejects.toMatchObject({ name: 'FileUnavailable' });
      }),
    );
  });

  it('gives several tasks one file by one download, and pins it for each', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(300_000));
    const uids = Array.from({ length: 5 }, () => randomUUID());
    for (const uid of uids) host.serve(bytes, 'a.sql', uid);
    const held = Promise.withResolvers<void>();
    host.server.hold = held.promise;
    const finding = uids.map((uid) => host.find({}, ID, uid));
    await expect.poll(() => host.server.requests.length).toBe(6);
    held.resolve();
    const files = await Promise.all(finding);
    expect(new Set(files.map(({ path }) => path)).size).toBe(1);
    expect(host.server.requests.filter((request) => request.startsWith('GET'))).toHaveLength(1);
    expect(existsSync(files[0]!.path)).toBe(true);
  });

  it('uses no other bytes than those that the task names by their digest', async () => {
    const host = await Host.start();
    const bytes = host.serve(randomBytes(5_000));
    const file = await host.findExactly(hash('sha256', bytes));
    expect(contentOf(file).equals(bytes)).toBe(true);
    host.serve(randomBytes(5_000));
    await expect(host.findExactly(hash('sha256', bytes))).rejects.toThrow(/not the one that the task was made for/);
    // Nobody to ask: what is kept is still that.
    host.server.isAway = true;
    expect(contentOf(await host.findExactly(hash('sha256', bytes))).equals(bytes)).toBe(true);
    await expect(host.findExactly('a'.repeat(64))).rejects.toThrow(/could not be asked/);
  });

  it('takes a local file by its digest while the API is away, and no other', async () => {
    const host = await Host.start({ api: false });
    const bytes = randomBytes(2_000);
    writeFileSync(join(host.temporary, `${ID}.sql`), randomBytes(2_000));
    await expect(host.findExactly(hash('sha256', bytes))).rejects.toMatchObject({ reason: 'FileUnavailable' });
    expect(host.log.join()).toMatch(/is not the file/);
    writeFileSync(join(host.work, 'tmp', ID), bytes);
    const file = await host.findExactly(hash('sha256', bytes));
    expect(contentOf(file).equals(bytes)).toBe(true);
    expect(file.path.startsWith(host.cached)).toBe(true);
  });
});
