import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, configMap, task } from '../objects.ts';

const sloppy = { ...task('sloppy', { nope: 1, params: { kept: true, exec_options: { kept: 1 } } }), extra: { a: 1 } };
const strict = { query: { fieldValidation: 'Strict' } };
const duplicated =
  '{"apiVersion":"tiangong.io/v1alpha1","kind":"Agent","metadata":{"name":"twice"},"spec":{"maxConcurrent":1,"maxConcurrent":2}}';

export const fieldValidation: Record<string, Scenario> = {
  'refuses unknown fields when strict': async (api) => {
    const answer = await api.post(api.own('deploytasks'), sloppy, strict);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain('strict decoding error: unknown field');
    expect((await api.post(api.own('agents'), duplicated, strict)).status).toBe(400);
    await api.post(api.core('configmaps'), { ...configMap('sloppy', { a: '1' }), nope: 1 }, strict);
  },
  'warns about unknown fields unless told otherwise': async (api) => {
    const answer = await api.post(api.own('deploytasks'), sloppy);
    expect(answer.status).toBe(201);
    expect(answer.headers['warning']).toContain('unknown field');
    expect(answer.body.spec?.['nope']).toBeUndefined();
    expect(answer.body.spec?.['params']).toEqual({ kept: true, exec_options: { kept: 1 } });
    await api.post(api.own('agents'), duplicated, { query: { fieldValidation: 'Warn' } });
    await api.post(api.core('configmaps'), { ...configMap('warned', { a: '1' }), nope: 1 });
  },
  'prunes silently when told to ignore': async (api) => {
    const answer = await api.post(api.own('deploytasks'), sloppy, { query: { fieldValidation: 'Ignore' } });
    expect(answer.status).toBe(201);
    expect(answer.headers['warning']).toBeUndefined();
    expect(answer.body['extra']).toBeUndefined();
  },
  'looks at replaces and patches too': async (api) => {
    const { body } = await api.post(api.own('agents'), agent('one'));
    const bad = { ...body, spec: { nope: true } };
    expect((await api.put(api.own('agents', 'one'), bad, strict)).status).toBe(400);
    expect((await api.patch(api.own('agents', 'one'), { spec: { nope: true } }, PATCH.merge, strict)).status).toBe(422);
    await api.patch(api.own('agents', 'one'), [{ op: 'add', path: '/spec/nope', value: 1 }], PATCH.json, strict);
    await api.patch(api.own('agents', 'one'), { spec: { nope: true } });
    await api.patch(api.own('agents', 'one'), '{"spec":{"maxConcurrent":1,"maxConcurrent":2}}', PATCH.merge, strict);
  },
  'names unknown fields inside lists and metadata': async (api) => {
    const conditions = [
      { type: 'A', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z', odd: 1 },
    ];
    await api.post(api.own('agents'), agent('one'));
    await api.patch(api.own('agents', 'one/status'), { status: { conditions } }, PATCH.merge, strict);
    const answer = await api.post(api.own('agents'), agent('two', {}, { odd: 1, labels: { a: 'b' } }), strict);
    expect(answer.status).toBe(400);
  },
  'knows no other mode': async (api) => {
    expect((await api.post(api.own('agents'), agent('one'), { query: { fieldValidation: 'Maybe' } })).status).toBe(422);
  },
};
