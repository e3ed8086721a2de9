import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';

interface Line {
  readonly ts: string;
  readonly level: string;
  readonly source: string;
  readonly msg: string;
  readonly line_number: number;
}

const line = (n: number, fields: object = {}): object => ({
  ...{ n, ts: '2026-01-02T03:04:05.678Z', level: 'INFO', source: 'fustor_agent.sync.t1', msg: `line ${n}` },
  ...fields,
});

describe.skipIf(!hasCluster())('the log of syncs', () => {
  let api: ApiUnderTest;
  let cluster: SharedCluster;
  const lines = async (query = ''): Promise<Line[]> => (await api.call<Line[]>('GET', `/api/logs${query}`)).body;
  const send = (body: unknown, user = 'agent/local'): Promise<Answer> =>
    api.call('PUT', '/internal/sync-logs', body, { authorization: `Bearer ${cluster.tokenFor(user)}` });

  beforeAll(async () => {
    cluster = await sharedCluster();
    api = await ApiUnderTest.start(cluster);
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('shows the lines of all agents, newest first, each once', async () => {
    expect(await send({ sender: 'i1', lines: [line(1), line(2, { level: 'ERROR' })] })).toMatchObject({ status: 200 });
    await send({ sender: 'i1', lines: [line(2), line(3)] });
    await send({ sender: 'i1', lines: [line(1, { msg: 'of another agent' })] }, 'agent/agent-1');
    const shown = await lines('?component=fustor_agent.sync');
    expect(shown.map(({ msg }) => msg)).toEqual(['of another agent', 'line 3', 'line 2', 'line 1']);
    expect(shown.at(-1)).toEqual({
      ts: '2026-01-02T03:04:05.678Z',
      level: 'INFO',
      source: 'fustor_agent.sync.t1',
      msg: 'line 1',
      line_number: shown.at(-1)?.line_number,
    });
    expect((await lines('/?level=error&component=fustor_agent.sync')).map(({ msg }) => msg)).toEqual(['line 2']);
    const [first] = await lines('?limit=1&component=fustor_agent.sync');
    const before = await lines(`?limit=2&component=fustor_agent.sync&before_line=${first?.line_number}`);
    expect(before.map(({ msg }) => msg)).toEqual(['line 3', 'line 2']);
  });

  it('has a line for each call that may change something, without its body', async () => {
    const config = { driver: 'fs', uri: '/srv', credential: { user: 'u', passwd: 'hunter2-of-logs' } };
    const id = ulid().toLowerCase();
    const before = await lines('?component=fustor_agent.api');
    await api.call('POST', `/api/configs/sources/${id}`, { config });
    await api.call('DELETE', '/api/configs/sources/not-there');
    await expect
      .poll(async () =>
        (await lines('?component=fustor_agent.api'))
          .slice(0, -before.length || undefined)
          .map(({ level, msg }) => [level, msg]),
      )
      .toEqual([
        ['WARNING', 'DELETE /api/configs/sources/not-there was answered with 404'],
        ['INFO', `POST /api/configs/sources/${id} was answered with 201`],
      ]);
    expect(JSON.stringify(await lines())).not.toContain('hunter2-of-logs');
  });

  it('refuses queries out of bounds as FastAPI does, and batches that are none', async () => {
    for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?limit=1.5', '?before_line=0', '?before_line=-3'])
      expect(await api.call('GET', `/api/logs/${query}`), query).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ['query', query.split(/[?=]/)[1]] }] },
      });
    const before = await lines();
    const bad = [
      null,
      {},
      { sender: 's', lines: [line(2), line(2)] },
      { sender: 's', lines: [line(0)] },
      { sender: 's', lines: [line(1, { ts: 'now' })] },
      { sender: 's', lines: [line(1, { msg: 'x'.repeat(9000) })] },
      { sender: 1, lines: [] },
    ];
    for (const body of bad) expect((await send(body)).status, JSON.stringify(body)?.slice(0, 80)).toBe(400);
    expect((await send({ sender: 's', lines: [line(1)] }, 'operator')).status).toBe(401);
    expect(await lines()).toEqual(before);
  });
});
