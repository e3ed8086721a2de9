import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';
import { agent, task } from '../objects.ts';

export const errors: Record<string, Scenario> = {
  'answers methods that a path does not have with 405': async (api) => {
    expect((await api.put(api.own('agents'), agent('one'))).status).toBe(400);
    expect((await api.put(api.core('configmaps'), {})).status).toBe(405);
    expect((await api.patch(api.own('agents'), {})).status).toBe(400);
    expect((await api.post(api.core('configmaps', 'one'), {})).status).toBe(405);
    expect((await api.patch(api.core('configmaps'), {})).status).toBe(405);
    expect((await api.delete('/api/v1/namespaces')).status).toBe(405);
  },
  'answers bodies that are not JSON objects with 400': async (api) => {
    for (const body of [
      '{',
      'null',
      '[]',
      '"x"',
      '5',
      '{"apiVersion":"tiangong.io/v1alpha1","kind":"Agent","metadata":[]}',
      '{} {}',
      '\u0000',
    ]) {
      const answer = await api.post(api.own('agents'), body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
    await api.post(api.own('agents'), '');
    await api.post(api.core('configmaps'), '{"metadata":{"name":5}}');
    await api.post(api.core('configmaps'), '{"metadata":"x"}');
    await api.post(api.core('configmaps'), '{');
    await api.post(api.own('agents'), { ...agent('one'), metadata: { name: 5 } });
    await api.post(api.own('agents'), { ...agent('one'), metadata: { name: 'one', labels: { a: 5 } } });
    await api.post(api.own('agents'), { ...agent('one'), spec: 'text' });
  },
  'answers content types that it does not know with 415 and 406': async (api) => {
    const body = JSON.stringify(agent('one'));
    for (const contentType of ['text/plain', 'application/xml', 'application/merge-patch+json']) {
      const answer = await api.call('POST', api.own('agents'), { body, contentType });
      expect(answer.status).toBe(415);
    }
    expect((await api.get(api.own('agents'), { accept: 'text/html' })).status).toBe(406);
    expect(
      (await api.get(api.own('agents'), { accept: 'application/json;as=Nonsense;v=v1;g=meta.k8s.io' })).status,
    ).toBe(406);
    expect((await api.get(api.own('agents'), { accept: '*/*' })).status).toBe(200);
    expect(
      (await api.call('POST', api.own('agents'), { body, contentType: 'application/json; charset=utf-8' })).status,
    ).toBe(201);
  },
  'reads and writes YAML': async (api) => {
    const body = 'apiVersion: tiangong.io/v1alpha1\nkind: Agent\nmetadata:\n  name: yaml\nspec:\n  maxConcurrent: 3\n';
    const created = await api.call('POST', api.own('agents'), { body, contentType: 'application/yaml' });
    expect(created.body.spec).toMatchObject({ maxConcurrent: 3 });
    const bad = await api.call('POST', api.own('agents'), { body: 'a: [', contentType: 'application/yaml' });
    expect(bad.status).toBe(400);
  },
  'refuses bodies that are too large': async (api) => {
    const big = await api.post(api.own('deploytasks'), task('big', { command: 'x'.repeat(3_200_000) }), {
      recorded: false,
    });
    expect(big.status).toBe(413);
    api.record({ step: 'over 3 MiB', status: big.status, body: big.body });
  },
  'refuses an object that its store cannot hold': async (api) => {
    const target = { blob: 'x'.repeat(1_600_000) };
    const answer = await api.post(api.own('deploytasks'), task('big', { type: 'mysql', params: { target } }), {
      recorded: false,
    });
    expect(answer.status).toBe(500);
    api.record({ step: 'over 1.5 MiB', status: answer.status, body: answer.body });
  },
  'refuses a token that it does not know': async (api) => {
    const answer = await api.get(api.own('agents'), { token: 'wrong' });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', message: 'Unauthorized' });
  },
  'refuses anonymous calls': async (api) => {
    const answer = await api.get(api.own('agents'), { token: 'none', differences: ['anonymous'] });
    expect([401, 403]).toContain(answer.status);
  },
  'answers paths full of tricks with an error': async (api) => {
    for (const path of [
      api.own('agents', '%2e%2e%2fsecrets'),
      api.own('agents', 'a%00b'),
      api.own('agents', 'x'.repeat(300)),
      api.own('agents', 'one/status/more'),
      api.own('agents', '%20'),
    ]) {
      const answer = await api.get(path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  },
};

export const reviews: Record<string, Scenario> = {
  'tells callers who they are': async (api) => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const answer = await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', body, {
      differences: ['userIds'],
    });
    expect(answer.status).toBe(201);
    expect(answer.body.status).toMatchObject({
      userInfo: { username: 'tiangong:admin', groups: ['system:masters', 'system:authenticated'] },
    });
  },
  'reviews tokens': async (api) => {
    const review = (token: string): Promise<{ status: number; body: { status?: unknown } }> =>
      api.post(
        '/apis/authentication.k8s.io/v1/tokenreviews',
        { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
        { differences: ['userIds', 'tokens'] },
      );
    expect((await review(api.server.token)).body.status).toMatchObject({
      authenticated: true,
      user: { username: 'tiangong:admin' },
    });
    expect((await review('wrong')).body.status).not.toHaveProperty('authenticated');
    expect((await review('')).status).toBe(400);
  },
  'says what callers may do': async (api) => {
    const attributes = { verb: 'create', group: 'tiangong.io', resource: 'deploytasks', namespace: api.namespace };
    for (const [path, kind, spec] of [
      ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', { resourceAttributes: attributes }],
      ['subjectaccessreviews', 'SubjectAccessReview', { resourceAttributes: attributes, user: 'nobody' }],
      [
        'selfsubjectaccessreviews',
        'SelfSubjectAccessReview',
        { nonResourceAttributes: { verb: 'get', path: '/version' } },
      ],
      ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', {}],
    ] as const) {
      await api.post(
        `/apis/authorization.k8s.io/v1/${path}`,
        { apiVersion: 'authorization.k8s.io/v1', kind, spec },
        { differences: ['authorizationReason'] },
      );
    }
  },
};
