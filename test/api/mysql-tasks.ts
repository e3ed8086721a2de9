import { hash } from 'node:crypto';
import { expect } from 'vitest';
import type { TaskView } from '../../api/tasks/task-view.ts';
import { secrets } from '../../kube/resource.ts';
import { storeRef } from '../../kube/task-state.ts';
import type { EndState } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import type { Answer, ApiUnderTest } from './api-under-test.ts';

export type Rollback = NonNullable<DeployTaskStatus['rollback']>;

export const SQL = "UPDATE `t` SET `a`='1' WHERE `id`=1 LIMIT 1;\n";

export const TARGET = { host: 'db', port: 3306, user: 'root', password: 'p4ss-of-target' };

export const summary = (text: string | Buffer, more: Partial<Rollback> = {}): Rollback => ({
  ...{ available: true, exact: true, statements: 1, bytes: Buffer.byteLength(text), sha256: hash('sha256', text) },
  ...more,
});

/** A rollback that stands in the status. */
export const inline = (more: Partial<Rollback> = {}): Rollback => ({ ...summary(SQL, more), text: SQL });

const CHUNK = 1024 * 1024;

/** Tasks of type mysql on an agent `db1` that is played: they end with the rollback that a test gives them. */
export class MysqlTasks {
  readonly #api: ApiUnderTest;

  constructor(api: ApiUnderTest) {
    this.#api = api;
  }

  async create(params: object = { target: TARGET }): Promise<string> {
    const body = { agent_id: 'db1', type: 'mysql', command: 'UPDATE t SET a=2 WHERE id=1', params };
    const answer = await this.#api.call<TaskView>('POST', '/api/v1/tasks', body);
    expect(answer.status).toBe(201);
    return answer.body.id;
  }

  /** A task that has run, as its agent would report it; null: the agent says nothing of a rollback. */
  async ran(rollback: Rollback | null = inline(), params?: object, state: EndState = 'Succeeded'): Promise<string> {
    const id = await this.create(params);
    await this.#api.run(id, 'db1');
    const error = state === 'Failed' ? { error: 'Duplicate entry' } : {};
    await this.#api.finish(id, state, { ...(rollback && { rollback }), ...error });
    return id;
  }

  /** A task whose rollback is in the store. `beforeUpload` is called when only the report is there. */
  async ranLong(
    text: Buffer,
    more: Partial<Rollback> = {},
    beforeUpload?: (id: string) => Promise<void>,
  ): Promise<string> {
    const id = await this.create();
    const { metadata } = await this.#api.run(id, 'db1');
    const stream = { uid: metadata.uid ?? '', epoch: 1, name: 'rollback' as const };
    const ref = storeRef(stream.uid, 1, 'rollback');
    const head = text.subarray(0, 1000).toString();
    await this.#api.finish(id, 'Succeeded', {
      rollback: { ...summary(text, more), text: head, truncated: true, ref },
    });
    await beforeUpload?.(id);
    for (let n = 0; n * CHUNK < text.length; n += 1) {
      const bytes = text.subarray(n * CHUNK, (n + 1) * CHUNK);
      await this.#api.store.streams.append(stream, n, { bytes, final: (n + 1) * CHUNK >= text.length });
    }
    return id;
  }

  rollBack(id: string, body?: object, headers?: Record<string, string>): Promise<Answer<TaskView>> {
    return this.#api.call<TaskView>('POST', `/api/v1/tasks/${id}/rollback`, body, headers);
  }

  /** The new task of a rollback that is not refused. */
  async rolledBack(id: string, body?: object): Promise<DeployTask> {
    const answer = await this.rollBack(id, body);
    expect(answer).toMatchObject({ status: 201, body: { type: 'mysql', status: 'running' } });
    expect(answer.headers.get('location')).toBe(`/api/v1/tasks/${answer.body.id}`);
    return this.#api.task(answer.body.id);
  }

  async secret(name: string): Promise<Record<string, string>> {
    const { data = {} } = await this.#api.client.get(secrets, this.#api.namespace, name);
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  }
}
