import { execFile } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { zipArchive } from '../testing/zip-archive.ts';
import type { ZipMember } from '../testing/zip-archive.ts';
import { FileUnavailable } from './file-unavailable.ts';
import { openText } from './open-text.ts';
import type { OpenTextOptions } from './open-text.ts';
import { UNPACK_LIMITS } from './unpack-limits.ts';
import { utf8Pieces } from './utf8-pieces.ts';

function fileOf(name: string, bytes: Buffer | string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

async function read(path: string, options?: OpenTextOptions): Promise<{ name: string; text: string }> {
  const { name, pieces, release } = await openText(path, options);
  try {
    let text = '';
    for await (const piece of pieces) text += piece;
    return { name, text };
  } finally {
    release();
  }
}

const readZip = (members: readonly ZipMember[], fileName?: string): ReturnType<typeof read> =>
  read(fileOf('x.zip', zipArchive(members)), { fileName });

const SQL = 'SELECT 1; -- ä 語 😀\n';

describe('openText', () => {
  it('reads plain text and drops its byte order mark', async () => {
    expect(await read(fileOf('a.sql', SQL))).toEqual({ name: 'a.sql', text: SQL });
    expect(await read(fileOf('a.sql', `\ufeff${SQL}`))).toEqual({ name: 'a.sql', text: SQL });
    expect(await read(fileOf('a.sql', ''))).toEqual({ name: 'a.sql', text: '' });
    expect((await read(fileOf('a.sql', Buffer.from([0xef, 0xbb, 0xbf])))).text).toBe('');
  });

  it('knows gzip and zip by their first bytes, whatever their names say', async () => {
    expect((await read(fileOf('a.sql', gzipSync(SQL)))).text).toBe(SQL);
    expect((await read(fileOf('01', Buffer.concat([gzipSync('SELECT'), gzipSync(' 1')])))).text).toBe('SELECT 1');
    expect(await read(fileOf('01', zipArchive([{ name: 'd/a.sql', bytes: SQL }])))).toEqual({
      name: 'd/a.sql',
      text: SQL,
    });
    await expect(read(fileOf('a.zip', SQL))).rejects.toThrow('a.zip is neither a zip archive nor gzip');
    await expect(read(fileOf('a.sql.gz', SQL))).rejects.toThrow('neither a zip archive nor gzip');
  });

  it('reads the entry of an archive that the task names, packed or stored', async () => {
    const members = [
      { name: 'b.sql', bytes: 'b' },
      { name: 'd/a.sql', bytes: 'a', stored: true },
    ];
    expect((await readZip(members)).text).toBe('b');
    expect((await readZip(members, 'a.sql')).text).toBe('a');
    expect((await readZip(members, 'd/a.sql')).text).toBe('a');
    await expect(readZip(members, 'c.sql')).rejects.toMatchObject({
      reason: 'FileNotFound',
      message: "file 'c.sql' not found in zip",
    });
    await expect(readZip([])).rejects.toThrow('no .sql file found in zip');
    await expect(readZip([{ name: 'a.sql.gz', bytes: '' }])).rejects.toThrow('no .sql file found in zip');
  });

  it.each(['../a.sql', 'd/../../a.sql', '/etc/a.sql', 'C:/a.sql', '..\\a.sql', 'a\0.sql', 'a\n.sql'])(
    'refuses an archive with an entry named %j, also when another is asked for',
    async (name) => {
      const refusal = readZip(
        [
          { name, bytes: 'x' },
          { name: 'good.sql', bytes: 'x' },
        ],
        'good.sql',
      );
      await expect(refusal).rejects.toMatchObject({ reason: 'FileInvalid' });
    },
  );

  it.each<[string, Partial<ZipMember>, RegExp]>([
    ['a symbolic link', { mode: 0o120777 }, /is a link or a device/],
    ['encrypted', { encrypted: true }, /is encrypted/],
    ['damaged', { claimedCrc: 1 }, /is damaged/],
    ['longer than it says', { claimedBytes: 3 }, /too many bytes/],
    ['shorter than it says', { claimedBytes: 3000 }, /not enough bytes/],
    ['huge by its own word', { claimedBytes: 2 ** 32 - 2 }, /250 times its size/],
  ])('refuses an entry that is %s', async (_name, member, message) => {
    await expect(readZip([{ name: 'a.sql', bytes: SQL, ...member }])).rejects.toThrow(message);
    await expect(readZip([{ name: 'a.sql', bytes: SQL, ...member }])).rejects.toBeInstanceOf(FileUnavailable);
  });

  it('stops at a zip bomb, in either format, and at too many entries', async () => {
    const bomb = Buffer.alloc(80 * 1024 ** 2);
    await expect(readZip([{ name: 'a.sql', bytes: bomb }])).rejects.toMatchObject({ reason: 'FileTooLarge' });
    await expect(read(fileOf('a.sql.gz', gzipSync(bomb)))).rejects.toMatchObject({
      reason: 'FileTooLarge',
      message: 'a.sql.gz unpacks to more than 250 times its size, as a zip bomb does',
    });
    const limits = { ...UNPACK_LIMITS, maxBytes: 10, maxEntries: 2 };
    await expect(read(fileOf('a.gz', gzipSync('x'.repeat(11))), { limits })).rejects.toThrow('more than 10 bytes');
    const many = ['a', 'b', 'c'].map((name) => ({ name, bytes: '' }));
    await expect(read(fileOf('a.zip', zipArchive(many)), { limits })).rejects.toThrow('more than 2 entries');
  });

  it('says which file is damaged, and lets short repetitive text be packed as well as it can', async () => {
    const whole = gzipSync(SQL.repeat(1000));
    await expect(read(fileOf('a.sql.gz', whole.subarray(0, -20)))).rejects.toThrow(/^a\.sql\.gz cannot be read: /);
    await expect(read(fileOf('a.zip', 'PK\x03\x04 and nothing more'))).rejects.toThrow(
      /^a\.zip cannot be read as a zip archive: /,
    );
    expect((await read(fileOf('a.gz', gzipSync(' '.repeat(1024 ** 2))))).text).toHaveLength(1024 ** 2);
  });

  it('refuses what is not UTF-8 and says where', async () => {
    const bytes = Buffer.concat([Buffer.from(SQL), Buffer.from([0xff]), Buffer.from(SQL)]);
    const at = Buffer.byteLength(SQL);
    await expect(read(fileOf('a.sql', bytes))).rejects.toThrow(
      `a.sql is not UTF-8 text (byte ${at}); convert it first`,
    );
    await expect(read(fileOf('a.sql', Buffer.from('\ufeffS', 'utf16le')))).rejects.toThrow('not UTF-8 text (byte 0)');
    await expect(read(fileOf('a.sql', Buffer.from('ä').subarray(0, 1)))).rejects.toThrow('not UTF-8');
  });

  it('refuses folders and what is not there, and releases the file that it was given', async () => {
    const folder = temporaryFolder();
    await expect(openText(folder)).rejects.toMatchObject({ reason: 'FileInvalid' });
    await expect(openText(join(folder, 'none'))).rejects.toMatchObject({ reason: 'FileNotFound' });
    let released = 0;
    const file = { id: 'f', name: 'a.sql', bytes: 1, release: () => void (released += 1) };
    await expect(openText({ ...file, path: join(folder, 'none') })).rejects.toThrow();
    expect(released).toBe(1);
    const text = await openText({ ...file, path: fileOf('a.sql', 'x') });
    text.release();
    expect(released).toBe(2);
  });

  it.each(['plain', 'gzip', 'zip'])(
    'streams a %s file of hundreds of megabytes through little memory',
    { timeout: 90_000 },
    async (kind) => {
      const path = join(temporaryFolder(), 'big.sql');
      const megabytes = 320;
      const row = (n: number): string => `INSERT INTO t VALUES (${n}, '${(n * 2654435761).toString(36)}');\n`;
      function* block(): Generator<string> {
        for (let n = 0; n < 25_000; n += 1) yield row(n);
      }
      const mebibyte = Buffer.from([...block()].join('').slice(0, 1024 ** 2));
      if (kind === 'zip')
        writeFileSync(
          path,
          zipArchive([{ name: 'a.sql', bytes: Buffer.concat(Array<Buffer>(megabytes).fill(mebibyte)), level: 1 }]),
        );
      else
        await pipeline(
          Readable.from(Array<Buffer>(megabytes).fill(mebibyte)),
          kind === 'gzip' ? createGzip({ level: 1 }) : new PassThrough(),
          createWriteStream(path),
        );
      const reader = join(import.meta.dirname, '../testing/read-text-process.ts');
      const { stdout } = await promisify(execFile)(process.execPath, [reader, path]);
      const { characters, maxRssMiB } = JSON.parse(stdout) as { characters: number; maxRssMiB: number };
      expect(characters).toBe(megabytes * 1024 ** 2);
      // Node alone has 70.
      expect(maxRssMiB).toBeLessThan(170);
    },
  );
});

describe('utf8Pieces', () => {
  it('gives the text of any bytes in any pieces, or refuses them as a strict decoder does', async () => {
    const bytes = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(`\ufeff${text}`)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat({ max: 20 })), async (whole, cuts) => {
        const bounds = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const chunks = bounds.slice(1).map((end, index) => whole.subarray(bounds[index], end));
        let expected: string | undefined;
        try {
          expected = new TextDecoder('utf-8', { fatal: true }).decode(whole);
        } catch {
          expected = undefined;
        }
        const decoded = async (): Promise<string | undefined> => {
          let text = '';
          try {
            for await (const piece of utf8Pieces(Readable.from(chunks), 'x')) text += piece;
            return text;
          } catch {
            return undefined;
          }
        };
        expect(await decoded()).toBe(expected);
      }),
    );
  });
});
