import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { ClientRequest, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import express from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileBytes } from '../../store/file-bytes.ts';
import { S3FileBytes } from '../../store/s3/s3-file-bytes.ts';
import { partsOf } from '../../store/conformance/parts-of.ts';
import { ROLLBACK_FILE_TYPE } from '../../store/files.ts';
import { temporaryStore } from '../../store/sqlite/temporary-store.ts';
import { answerErrors } from '../error-handler.ts';
import { uploadRoutes } from './file-routes.ts';
import type { FileView } from './file-view.ts';
import type { UploadLimits } from './receive-upload.ts';
import { UploadHandler } from './upload-handler.ts';

interface UploadAnswer {
  status: number;
  body: FileView & { error?: string; code?: string };
}

const BOUNDARY = 'xxBOUNDARYxx';
const TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const END = `\r\n--${BOUNDARY}--\r\n`;
const head = (disposition: string, type = 'text/plain'): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: ${type}\r\n\r\n`;

describe('POST /files', () => {
  let store: Awaited<ReturnType<typeof temporaryStore>>;
  let server: Server;
  let url: string;

  async function start(
    limits: Partial<UploadLimits> = {},
    { maxBytes = 1024 ** 3, fileBytes }: { maxBytes?: number; fileBytes?: FileBytes } = {},
  ): Promise<void> {
    store = await temporaryStore({ maxBytes, ...(fileBytes && { fileBytes }) });
    const handler = new UploadHandler(store.files, { maxBytes: 1000, idleMs: 60_000, ...limits });
    const app = express();
    app.use('/api/v1/files', uploadRoutes(handler), answerErrors(pino({ level: 'silent' })));
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/files`;
  }

  async function stop(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await store[Symbol.asyncDispose]();
  }

  async function post(body: FormData | string, headers: Record<string, string> = {}): Promise<UploadAnswer> {
    const response = await fetch(url, { method: 'POST', body, headers });
    return { status: response.status, body: (await response.json()) as UploadAnswer['body'] };
  }

  function upload(name: string, content: string | Uint8Array<ArrayBuffer>, field = 'file'): Promise<UploadAnswer> {
    const form = new FormData();
    form.append(field, new Blob([content], { type: 'text/plain' }), name);
    return post(form);
  }

  /** A request that is sent piece by piece. */
  function open(headers: Record<string, string | number> = {}): ClientRequest {
    const req = request(url, { method: 'POST', headers: { ...TYPE, ...headers } });
    req.on('error', () => undefined);
    return req;
  }

  async function answerTo(req: ClientRequest): Promise<UploadAnswer> {
    const [res] = (await once(req, 'response')) as [AsyncIterable<Buffer> & { statusCode: number }];
    let text = '';
    for await (const part of res) text += part.toString();
    return { status: res.statusCode, body: JSON.parse(text) as UploadAnswer['body'] };
  }

  /** Files in the store's folder, whether they are known or not. */
  const bytesOnDisk = async (): Promise<string[]> => {
    const received = await store.files.receive({ name: 'probe', contentType: 'x/y' }, partsOf());
    const { record } = await received.commit();
    const found = readdirSync(dirname(record.path));
    await store.files.delete(record.id);
    return found.filter((name) => name !== 'probe');
  };

  const expectNothing = async (): Promise<void> => {
    await expect.poll(bytesOnDisk).toEqual([]);
    expect(store.usage.usedBytes).toBe(0);
  };

  describe('with the usual limits', () => {
    beforeEach(() => start());
    afterEach(stop);

    it('never takes a file for one of a rollback, which would be removed', async () => {
      const form = new FormData();
      form.append('file', new Blob(['DELETE FROM t;'], { type: ROLLBACK_FILE_TYPE.toUpperCase() }), 'r.sql');
      expect(await post(form)).toMatchObject({ status: 201, body: { content_type: 'application/sql' } });
    });

    it('answers with the fields of the manual, in its order', async () => {
      const { status, body } = await upload('file.txt', 'hello');
      expect(status).toBe(201);
      expect(Object.keys(body).join(' ')).toBe('id name path size content_type md5 created_at updated_at');
      expect(body).toEqual({
        id: expect.stringMatching(/^file-[0-9a-z]{26}$/) as string,
        name: 'file.txt',
        path: expect.stringMatching(/\/files\/file\.txt$/) as string,
        size: 5,
        content_type: 'text/plain',
        md5: '5d41402abc4b2a76b9719d911017c592',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        updated_at: body.created_at,
      });
    });

    it('answers a duplicate with the file that is there, under its old name', async () => {
      const first = await upload('a.txt', 'same');
      expect(await upload('b.txt', 'same')).toEqual(first);
      expect(await bytesOnDisk()).toEqual(['a.txt']);
    });

    it('makes one file of the same bytes that come twice at once', async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => upload(`${n}.txt`, 'same')));
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      expect(await bytesOnDisk()).toHaveLength(1);
    });

    it.each([
      ['../../etc/evil.txt', 'evil.txt'],
      ['..\\..\\evil2.txt', 'evil2.txt'],
      ['..', 'file'],
      ['数据 ä.sql', '数据 ä.sql'],
      ['say "hi".txt', 'say "hi".txt'],
    ])('takes the name %s and keeps %s', async (name, kept) => {
      const { body } = await upload(name, 'x');
      expect(body.name).toBe(kept);
      expect(body.path.endsWith(`/files/${kept}`)).toBe(true);
    });

    it('takes names as curl and older clients send them', async () => {
      const cases = [
        ['filename="数据.sql"', '数据.sql'],
        ["filename=x; filename*=UTF-8''%E6%95%B0.sql", '数.sql'],
      ] as const;
      for (const [disposition, name] of cases) {
        const body = `${head(`name="file"; ${disposition}`)}${name}${END}`;
        expect((await post(body, TYPE)).body).toMatchObject({ name });
      }
    });

    it('calls bytes application/octet-stream whose type is longer than any', async () => {
      const body = `${head('name="file"; filename="a"', `text/${'x'.repeat(200)}`)}x${END}`;
      expect((await post(body, TYPE)).body.content_type).toBe('application/octet-stream');
    });

    it.each<[string, string, Record<string, string>, RegExp]>([
      ['no body', '', {}, /the body must be multipart\/form-data with the file in the field "file"$/],
      ['JSON', '{}', { 'content-type': 'application/json' }, /must be multipart\/form-data/],
      ['no boundary', 'x', { 'content-type': 'multipart/form-data' }, /boundary/i],
      ['a form that ends early', `${head('name="file"; filename="a"')}abc`, TYPE, /unexpected end of form/],
      ['no file', `--${BOUNDARY}--\r\n`, TYPE, /no file in the field "file"$|unexpected end of form/],
      ['a field that is no file', `${head('name="file"')}text${END}`, TYPE, /no file in the field "file"$/],
      ['another field', `${head('name="upload"; filename="a"')}x${END}`, TYPE, /in the field "file", not "upload"$/],
      [
        'two files',
        `${head('name="file"; filename="a"')}x\r\n${head('name="file"; filename="b"')}y${END}`,
        TYPE,
        /one file at a time$/,
      ],
      ['a field too many', `${head('name="a"')}x\r\n`.repeat(30) + END, TYPE, /too many/],
    ])('says what is wrong with %s, and keeps nothing', async (_what, body, headers, text) => {
      const answer = await post(body, headers);
      expect(answer).toMatchObject({ status: 400, body: { code: 'UploadInvalid' } });
      expect(answer.body.error).toMatch(/^failed to upload file: /);
      expect(answer.body.error).toMatch(text);
      await expectNothing();
    });

    it('takes a file of exactly the limit and refuses one byte more, by its length or as it comes', async () => {
      expect(await upload('exact', 'x'.repeat(1000))).toMatchObject({ status: 201, body: { size: 1000 } });
      const tooLarge = {
        status: 413,
        body: { error: 'failed to upload file: it is larger than 1000 bytes', code: 'FileTooLarge' },
      };
      expect(await upload('more', 'x'.repeat(1001))).toMatchObject(tooLarge);
      const announced = open({ 'content-length': 10 * 1024 ** 3 });
      announced.flushHeaders();
      expect(await answerTo(announced)).toMatchObject(tooLarge);
      announced.destroy();
      // Answered while it still comes: nobody waits for the rest.
      const endless = open();
      endless.write(`${head('name="file"; filename="a"')}${'x'.repeat(5000)}`);
      expect(await answerTo(endless)).toMatchObject(tooLarge);
      endless.destroy();
      expect(await bytesOnDisk()).toEqual(['exact']);
    });

    it('keeps nothing of an upload that is cut off', async () => {
      const cut = open({ 'content-length': 900 });
      cut.write(`${head('name="file"; filename="a"')}abc`);
      await expect.poll(bytesOnDisk).toEqual(['a']);
      cut.destroy();
      await expectNothing();
      expect(store.files.totals().count).toBe(0);
    });

    it('keeps nothing of a whole file in a form that is cut off', async () => {
      const cut = open({ 'content-length': 900 });
      cut.write(`${head('name="file"; filename="a"')}abc\r\n${head('name="more"')}`);
      await expect.poll(bytesOnDisk).toEqual(['a']);
      cut.destroy();
      await expectNothing();
      expect(store.files.totals().count).toBe(0);
    });

    it('answers the next request of the same connection after an error', async () => {
      expect(await upload('a', 'x'.repeat(2000))).toMatchObject({ status: 413 });
      expect(await upload('a', 'x')).toMatchObject({ status: 201 });
    });
  });

  describe('with other limits', () => {
    afterEach(stop);

    it('gives up an upload on which nothing comes', async () => {
      await start({ idleMs: 50 });
      const silent = open();
      silent.write(`${head('name="file"; filename="a"')}abc`);
      expect(await answerTo(silent)).toMatchObject({
        status: 408,
        body: { error: 'failed to upload file: nothing came for 0.05 seconds', code: 'UploadTimeout' },
      });
      silent.destroy();
      await expectNothing();
    });

    it('says 507 when the store is full, and goes on when there is room', async () => {
      await start({}, { maxBytes: 500 });
      expect(await upload('a', 'x'.repeat(600))).toMatchObject({ status: 507, body: { code: 'StoreFull' } });
      expect((await upload('a', 'x'.repeat(600))).body.error).toMatch(/^failed to upload file: the store is full/);
      await expectNothing();
      expect(await upload('a', 'x'.repeat(400))).toMatchObject({ status: 201 });
    });

    it('says 503 when the object store is away', async () => {
      const place = { bucket: 'b', prefix: '', region: 'us-east-1', endpoint: 'http://127.0.0.1:9', pathStyle: true };
      const credentials = { accessKeyId: 'a', secretAccessKey: 'geheim' };
      await start({}, { fileBytes: new S3FileBytes({ ...place, credentials }) });
      expect(await upload('a', 'x')).toEqual({
        status: 503,
        body: {
          error: 'failed to upload file: the object store failed: ECONNREFUSED; try again later',
          code: 'StoreUnavailable',
        },
      });
      expect(store.files.totals().count).toBe(0);
    });

    it('takes sixteen uploads at once and asks more to come again', async () => {
      await start();
      const waiting = Array.from({ length: 16 }, (_, n) => {
        const req = open();
        req.write(`${head(`name="file"; filename="${n}"`)}${n}`);
        return req;
      });
      await expect.poll(async () => (await bytesOnDisk()).length).toBe(16);
      expect(await upload('a', 'x')).toMatchObject({ status: 429, body: { code: 'TooManyRequests' } });
      const answers = waiting.map(answerTo);
      for (const req of waiting) req.end(END);
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(16).fill(201));
    });

    it('takes 300 MB without holding them in memory', async () => {
      await start({ maxBytes: 1024 ** 3 });
      const part = randomBytes(1024 * 1024);
      const hash = createHash('md5');
      const before = process.memoryUsage().rss;
      let most = 0;
      const req = open();
      const answer = answerTo(req);
      req.write(head('name="file"; filename="large.bin"'));
      for (let n = 0; n < 300; n += 1) {
        hash.update(part);
        if (!req.write(part)) await once(req, 'drain');
        most = Math.max(most, process.memoryUsage().rss);
      }
      req.end(END);
      expect(await answer).toMatchObject({ status: 201, body: { size: 300 * part.length, md5: hash.digest('hex') } });
      expect((most - before) / 1024 ** 2).toBeLessThan(150);
    });
  });
});
