import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import express from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuditRecord } from '../../store/audit.ts';
import { SqliteAudit } from '../../store/sqlite/sqlite-audit.ts';
import { answerErrors } from '../error-handler.ts';
import { ApiError } from '../errors.ts';
import { readOpenApi } from '../openapi.ts';
import { CallRecorder } from './call-recorder.ts';

const logger = pino({ level: 'silent' });

describe('CallRecorder', () => {
  let folder: string;
  let audit: SqliteAudit;
  let recorder: CallRecorder;
  let server: Server;
  let url: string;
  const changed: string[] = [];
  const records = (): Promise<readonly AuditRecord[]> => audit.list({ after: 0, limit: 1000 });
  const post = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers });
  const sql = (text: string): void => {
    const db = new DatabaseSync(join(folder, 'audit.db'));
    db.exec(text);
    db.close();
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-audit-'));
    audit = new SqliteAudit(join(folder, 'audit.db'));
    recorder = new CallRecorder({ audit, contract: readOpenApi(), logger, identityOf: (req) => req.get('X-User') });
    const app = express();
    app.use(recorder.handler);
    app.use(express.json(), (req, res) => {
      if (req.headers.authorization !== undefined) throw new ApiError('Unauthorized');
      if (req.path.endsWith('/t3/cancel')) return;
      if (req.path === '/api/v1/tasks') recorder.noteTask('tasks/made');
      changed.push(req.path);
      if (req.path === '/api/v1/tasks') recorder.noteTask('tasks/made', 'uid-1');
      if (req.path.endsWith('/get_needed_fields')) recorder.noteTask('tasks/asking', 'uid-2');
      res.status(200).end('done');
    });
    app.use(answerErrors(logger));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    changed.length = 0;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await audit.close();
    await rm(folder, { recursive: true });
  });

  it('has a call on record before its caller knows the answer', async () => {
    const answer = await post('/api/v1/tasks/t1/cancel?token=hidden', {
      'X-User': 'alice',
      'X-Forwarded-For': '1.2.3.4',
    });
    expect(await records()).toMatchObject([
      {
        ...{ action: 'cancelTask', object: 'tasks/t1', user: 'alice', source: '127.0.0.1', status: 200 },
        ...{ method: 'POST', path: '/api/v1/tasks/t1/cancel', forwarded_for: '1.2.3.4' },
        request_id: answer.headers.get('x-request-id'),
      },
    ]);
    expect(JSON.stringify(await records())).not.toContain('hidden');
  });

  it.each(['configs', 'drivers'])('has a call that reads by making a task (%s)', async (root) => {
    await fetch(`${url}/api/${root}/pushers/p1/_actions/get_needed_fields`, { headers: { 'X-User': 'alice' } });
    expect(await records()).toMatchObject([
      { action: 'getNeededFields', object: 'tasks/asking', uid: 'uid-2', user: 'alice', method: 'GET' },
    ]);
  });

  it.each([
    ['/api/v1/tasks/cancel', 'deleteTask', 'tasks/cancel'],
    ['/api/configs/sources/_actions', 'deleteSourceConfig', 'configs/sources/_actions'],
  ])('knows an object that has the name of a verb: %s', async (path, action, object) => {
    await fetch(url + path, { method: 'DELETE' });
    expect(await records()).toMatchObject([{ action, object }]);
  });

  it('takes the request id of a gateway, but no text that could be anything', async () => {
    expect((await post('/api/v1/tasks', { 'X-Request-Id': 'gw-17:a' })).headers.get('x-request-id')).toBe('gw-17:a');
    const odd = await post('/api/v1/tasks', { 'X-Request-Id': 'a b"<' });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('knows the task that a call made, also after its body was read', async () => {
    await fetch(`${url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ big: 'x'.repeat(90_000) }),
    });
    expect(await records()).toMatchObject([{ action: 'createTask', object: 'tasks/made', uid: 'uid-1' }]);
    expect(recorder.isOpen('tasks/made')).toBe(false);
  });

  it('has reads on record only when they are refused', async () => {
    await fetch(`${url}/api/v1/tasks/t1`);
    await fetch(`${url}/api/v1/tasks/t2`, { headers: { authorization: 'Bearer forged', 'X-User': 'root' } });
    await vi.waitFor(async () =>
      expect(await records()).toMatchObject([
        { action: 'getTask', object: 'tasks/t2', status: 401, code: 'Unauthorized', user: 'system:anonymous' },
      ]),
    );
  });

  it('bounds how many refused calls of one caller are on record, and says how many are not', async () => {
    for (let n = 0; n < 120; n += 1) await post('/api/v1/tasks', { authorization: 'Bearer forged' });
    const kept = (await records()).length;
    expect(kept).toBeGreaterThanOrEqual(50);
    expect(kept).toBeLessThan(110);
    await post('/api/v1/tasks/t1/cancel', { 'X-User': 'alice' });
    const omitted = (await records()).reduce((sum, record) => sum + (record.omitted ?? 0), 0);
    expect((await records()).length - 1 + omitted).toBe(120);
  });

  it('says how many are not on record even when nothing follows', async () => {
    for (let n = 0; n < 80; n += 1) await post('/api/v1/tasks', { authorization: 'Bearer forged' });
    await recorder.settle();
    const kept = await records();
    expect(kept.at(-1)).toMatchObject({ action: 'omitRecords', omitted: expect.any(Number) as number });
  });

  it('has a call on record whose caller went before the answer', async () => {
    const asked = request(`${url}/api/v1/tasks/t3/cancel`, { method: 'POST' });
    asked.on('error', () => undefined);
    asked.end();
    await vi.waitFor(() => expect(recorder.isOpen('tasks/t3')).toBe(true));
    asked.destroy();
    await vi.waitFor(async () => expect(await records()).toMatchObject([{ object: 'tasks/t3', status: 499 }]));
    expect(recorder.isOpen('tasks/t3')).toBe(false);
  });

  it('lets nothing be changed while records cannot be kept, and then catches up', async () => {
    sql("CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'disk I/O error'); END");
    // What was done cannot be taken back: its caller learns so.
    expect((await post('/api/v1/tasks/t1/cancel')).status).toBe(200);
    const refused = await post('/api/v1/tasks/t2/cancel');
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'AuditUnavailable' }]);
    expect(changed).toEqual(['/api/v1/tasks/t1/cancel']);
    expect((await fetch(`${url}/api/v1/tasks`)).status).toBe(200);
    expect(recorder.backlog).toBe(1);
    sql('DROP TRIGGER broken');
    expect((await post('/api/v1/tasks/t2/cancel')).status).toBe(200);
    expect((await records()).map(({ object }) => object)).toEqual(['tasks/t1', 'tasks/t2']);
  });
});
