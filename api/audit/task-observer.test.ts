import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { SqliteAudit } from '../../store/sqlite/sqlite-audit.ts';
import { TaskObserver } from './task-observer.ts';

type Listener = (key: string, task: DeployTask | undefined, previous: DeployTask | undefined) => void;

const task = (name: string, uid: string, createdAt = new Date(), spec: object = {}): DeployTask => ({
  metadata: { name, namespace: 'home', uid, creationTimestamp: createdAt.toISOString() },
  spec: { type: 'shell', agent: 'a', ...spec },
});

describe('TaskObserver', () => {
  let folder: string;
  let audit: SqliteAudit;
  let observer: TaskObserver;
  let see: Listener;
  const open = new Set<string>();
  const start = (maxRecords = 1000): void => {
    audit = new SqliteAudit(join(folder, 'audit.db'), { maxRecords, maxAgeMs: 3_600_000 });
    observer = new TaskObserver({
      audit,
      changes: {
        onAnyChange: (listener) => {
          see = listener;
          return () => true;
        },
      },
      isOpen: (object) => open.has(object),
      homeNamespace: 'home',
      logger: pino({ level: 'silent' }),
    });
  };
  const seen = async (): Promise<unknown[]> => {
    await observer.runOnce();
    const records = await audit.list({ after: 0, limit: 100 });
    return records.filter(({ source }) => source === 'kubernetes').map(({ action, object }) => [action, object]);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tiangong-audit-'));
    open.clear();
    start();
  });
  afterEach(async () => {
    await audit.close();
    await rm(folder, { recursive: true });
  });

  it('records a task once, however often it changes, and again when another has its name', async () => {
    const first = task('t', 'u1');
    see('home/t', first, undefined);
    see('home/t', task('t', 'u1'), first);
    expect(await seen()).toEqual([['seeTask', 'tasks/t']]);
    see('home/t', task('t', 'u1'), undefined);
    expect(await seen()).toHaveLength(1);
    see('home/t', task('t', 'u2'), first);
    expect(await seen()).toHaveLength(2);
  });

  it('waits for the call that makes the task, and records it only if that did not', async () => {
    open.add('tasks/t');
    see('home/t', task('t', 'u1'), undefined);
    see('home/gone', task('gone', 'u2'), undefined);
    open.add('tasks/gone');
    expect(await seen()).toEqual([]);
    await audit.append({ action: 'createTask', user: 'jo', source: '::1', object: 'tasks/t', uid: 'u1' });
    open.clear();
    expect(await seen()).toEqual([['seeTask', 'tasks/gone']]);
  });

  it('has tasks that are gone by the time that it looks', async () => {
    see('home/t', task('t', 'u1'), undefined);
    see('home/t', undefined, task('t', 'u1'));
    expect(await seen()).toEqual([['seeTask', 'tasks/t']]);
  });

  it('records an approval by kubectl though REST approved a task of the same name before it', async () => {
    const approve = { ...{ action: 'approveTask', user: 'kim', source: '::1' }, object: 'tasks/t', status: 200 };
    await audit.append(approve);
    const another = task('t', 'u2', new Date(Date.now() + 60_000), { approved: true });
    see('home/t', another, undefined);
    expect(await seen()).toEqual([
      ['seeTask', 'tasks/t'],
      ['seeApproval', 'tasks/t'],
    ]);
  });

  it('leaves out an approval that REST has on record, whatever was refused after it', async () => {
    const approve = { ...{ action: 'approveTask', user: 'kim', source: '::1' }, object: 'tasks/t' };
    await audit.append({ ...approve, status: 200 });
    await audit.append({ ...approve, status: 409, code: 'AlreadyApproved' });
    const before = task('t', 'u1', new Date(Date.now() - 60_000));
    see('home/t', { ...before, spec: { ...before.spec, approved: true } }, before);
    expect(await seen()).toEqual([]);
  });

  it('does not take a task for new whose record was removed for its age', async () => {
    const old = task('old', 'u1', new Date(Date.now() - 60_000));
    await audit.append({ action: 'createTask', user: 'jo', source: '::1', object: 'tasks/old', uid: 'u1' });
    await audit.close();
    start(5);
    for (let n = 0; n < 10; n += 1)
      await audit.append({ action: 'deleteTask', user: 'jo', source: '::1', object: `tasks/${n}` });
    expect(audit.has('u1')).toBe(false);
    see('home/old', old, undefined);
    see('home/new', task('new', 'u2', new Date(Date.now() + 60_000)), undefined);
    expect(await seen()).toEqual([['seeTask', 'tasks/new']]);
  });
});
