import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';
import { agent, task } from '../objects.ts';

/** What a spec may not be, by the rule it breaks. */
const badTasks: Record<string, Record<string, unknown>> = {
  'type-missing': { type: undefined },
  'type-null': { type: null },
  'type-unknown': { type: 'magic' },
  'type-number': { type: 5 },
  'priority-text': { priority: 'high' },
  'priority-fraction': { priority: 1.5 },
  'priority-high': { priority: 1001 },
  'priority-low': { priority: -1001 },
  'agent-empty': { agent: '' },
  'agent-long': { agent: 'a'.repeat(64) },
  'command-object': { command: {} },
  'command-long': { command: 'x'.repeat(65_537) },
  'cancel-text': { cancel: 'true' },
  'params-list': { params: [] },
  'params-deep': { params: { target: { port: 70_000 }, env: { A: 1 } } },
  'blob-incomplete': { command: undefined, commandFrom: { blob: { id: 'x' } } },
  'blob-pattern': { command: undefined, commandFrom: { blob: { id: 'x', sha256: 'zz', bytes: 0 } } },
  'selector-operator': { agent: undefined, agentSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } },
  'selector-incomplete': { agent: undefined, agentSelector: { matchExpressions: [{ key: 'a' }] } },
  'headers-many': {
    type: 'api',
    params: { url: 'http://x', headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, 'v'])) },
  },
  'several-at-once': { type: 'magic', priority: 5000, cancel: 'x', agent: '' },
};

export const schemaValidation: Record<string, Scenario> = {
  ...Object.fromEntries(
    Object.entries(badTasks).map(([name, spec]): [string, Scenario] => [
      `refuses a task: ${name}`,
      async (api) => {
        const answer = await api.post(api.own('deploytasks'), task('bad', spec));
        expect(answer.status).toBe(422);
        expect(answer.body).toMatchObject({ reason: 'Invalid', details: { name: 'bad', kind: 'DeployTask' } });
      },
    ]),
  ),
  'fills in defaults': async (api) => {
    const created = await api.post(api.own('agents'), { ...agent('one'), spec: undefined });
    expect(created.body.spec).toEqual({ maxConcurrent: 10, unschedulable: false });
    const nulls = await api.post(api.own('agents'), agent('two', { maxConcurrent: null, tags: null }));
    expect(nulls.body.spec).toMatchObject({ maxConcurrent: 10 });
  },
  'prunes unknown fields, but not where the schema keeps them': async (api) => {
    const target = { host: 'h', mystery: { deep: [1, { a: 'b' }] } };
    const answer = await api.post(
      api.own('deploytasks'),
      task('one', { gone: 1, params: { mystery: [1], target, metadata: { any: 'thing' } } }),
    );
    expect(answer.body.spec).toMatchObject({ params: { mystery: [1], target } });
    expect(answer.body.spec?.['gone']).toBeUndefined();
  },
  'refuses duplicates in sets and in maps of lists': async (api) => {
    expect((await api.post(api.own('agents'), agent('one', { namespaces: ['a', 'b', 'a'] }))).status).toBe(422);
    await api.post(api.own('agents'), agent('two', { tags: ['a', 'a'] }));
    const condition = {
      type: 'A',
      status: 'True',
      reason: 'R',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const answer = await api.patch(api.own('agents', 'two/status'), { status: { conditions: [condition, condition] } });
    expect(answer.status).toBe(422);
  },
  'checks formats, patterns and bounds of the status': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    const path = api.own('deploytasks', 'one/status');
    for (const status of [
      { startTime: 'yesterday' },
      { startTime: '2026-01-01T00:00:00Z' },
      { startTime: '2026-13-01T00:00:00Z' },
      { startTime: '2026-01-01 00:00:00' },
      { exitCode: -2 },
      { exitCode: 70_000 },
      { observedGeneration: -2 },
      { observedGeneration: 9_007_199_254_740_993 },
      { state: 'Bored' },
      { conditions: [{ type: 'A' }] },
      {
        conditions: [
          { type: 'A', status: 'Maybe', reason: 'no good!', message: 'x'.repeat(4097), lastTransitionTime: 'now' },
        ],
      },
      { result: { text: 'x' } },
      { result: { text: '😀'.repeat(20_000), bytes: 1 } },
      { log: { total: 1, lines: [{ id: 0, message: 'x' }] } },
      { log: { total: 1, lines: Array.from({ length: 1001 }, (_, id) => ({ id: id + 1, message: '' })) } },
      { assignment: { agent: 'a' } },
      [],
      'text',
    ]) {
      await api.patch(path, { status });
    }
  },
  'refuses an object that says it is something else': async (api) => {
    expect((await api.post(api.own('agents'), task('one'))).status).toBe(422);
    await api.post(api.own('agents'), { ...agent('one'), apiVersion: 'tiangong.io/v9' });
    expect((await api.post(api.own('agents'), { metadata: { name: 'bare' } })).status).toBe(400);
    expect((await api.post(api.core('configmaps'), agent('one'))).status).toBe(400);
    expect((await api.post(api.core('configmaps'), { metadata: { name: 'bare' } })).status).toBe(201);
  },
};
