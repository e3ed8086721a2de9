import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, task } from '../objects.ts';

const refusedSpecs: Record<string, Record<string, unknown>> = {
  'neither agent nor selector': { agent: undefined },
  'both agent and selector': { agentSelector: { matchLabels: { a: 'b' } } },
  'an empty selector': { agent: undefined, agentSelector: {} },
  'an empty command': { command: '' },
  'a command of blanks': { command: ' \t\n' },
  'an api task without url': { type: 'api', command: 'GET' },
  'an api task with an empty url': { type: 'api', command: 'GET', params: { url: '' } },
  'user information in a url': { type: 'api', command: 'GET', params: { url: 'http://u:p@host/' } },
  'user information in a url without scheme': { type: 'api', command: 'GET', params: { url: ' //u:p@host/' } },
  'a credential header': { type: 'api', command: 'GET', params: { url: 'http://h/', headers: { AUTHORIZATION: 'x' } } },
  'a password in params': { params: { password: 'x' } },
  'credentials in target': { type: 'mysql', params: { target: { token: 'x', api_key: 'y' } } },
  'command beside commandFrom': { commandFrom: { blob: { id: 'x', sha256: 'a'.repeat(64), bytes: 1 } } },
  'approval at creation': { approved: true },
  'approval at creation where it is needed': { approved: true, params: { approve: 'required' } },
  'an approval of another kind': { params: { approve: 'maybe' } },
  'a file without digest where approval is needed': { fileId: 'f', params: { approve: 'required' } },
  'a path on the agent where approval is needed': { params: { approve: 'required', file_path: '/tmp/x.sql' } },
  'a digest of no file': { fileSha256: 'a'.repeat(64) },
  'a digest that is none': { fileId: 'f', fileSha256: 'A'.repeat(64) },
  'a review of a shell command': { params: { review: 'only' } },
  'a review of another kind': { type: 'mysql', params: { review: 'full' } },
  'a rollback of another type': { type: 'postgres', params: { rollback_of: 'task-1' } },
  'a ledger of a shell command': { params: { exec_options: { ledger: true } } },
  'a ledger of doris': { type: 'doris', params: { exec_options: { ledger: true } } },
};

const takenSpecs: Record<string, Record<string, unknown>> = {
  'a file with digest where approval is needed': {
    ...{ fileId: 'f', fileSha256: 'a'.repeat(64), params: { approve: 'required' } },
  },
  'a review of mysql': { type: 'mysql', params: { review: 'only' } },
  'a review of doris that needs approval': { type: 'doris', params: { review: 'only', approve: 'required' } },
  'a rollback of mysql': { type: 'mysql', params: { rollback_of: 'task-1', force: true } },
  'a ledger of mysql': { type: 'mysql', params: { exec_options: { ledger: true } } },
  'a ledger of postgres': { type: 'postgres', params: { exec_options: { ledger: true } } },
  'no ledger of any type': { params: { exec_options: { ledger: false } } },
};

const frozen: Record<string, unknown> = {
  agent: 'agent-2',
  agentSelector: { matchLabels: { a: 'b' } },
  type: 'mysql',
  command: 'other',
  commandFrom: { blob: { id: 'x', sha256: 'a'.repeat(64), bytes: 1 } },
  params: { cwd: '/' },
  fileId: 'f',
  fileSha256: 'a'.repeat(64),
  timeoutSeconds: 9,
  startDeadlineSeconds: 9,
  idempotent: true,
};

const setStatus = (api: Api, name: string, status: object): ReturnType<Api['patch']> =>
  api.patch(api.own('deploytasks', `${name}/status`), { status });

const ended = { completionTime: '2026-01-02T03:04:06.000Z', exitCode: 0, result: { text: 'x', bytes: 1 } };

export const celRules: Record<string, Scenario> = {
  ...Object.fromEntries(
    Object.entries(refusedSpecs).map(([name, spec]): [string, Scenario] => [
      `refuses ${name}`,
      async (api) => {
        expect((await api.post(api.own('deploytasks'), task('bad', spec))).status).toBe(422);
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(takenSpecs).map(([name, spec]): [string, Scenario] => [
      `takes ${name}`,
      async (api) => {
        expect((await api.post(api.own('deploytasks'), task('good', spec))).status).toBe(201);
      },
    ]),
  ),
  'says which rule was broken, with its reason and field': async (api) => {
    const answer = await api.post(api.own('deploytasks'), task('bad', { command: ' ' }));
    expect(answer.body).toMatchObject({
      message: 'DeployTask.tiangong.io "bad" is invalid: spec.command: Invalid value: command is empty',
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.command' }] },
    });
  },
  'limits the name of an agent, but not of a task': async (api) => {
    expect((await api.post(api.own('agents'), agent('a'.repeat(64)))).status).toBe(422);
    expect((await api.post(api.own('deploytasks'), task('a'.repeat(64)))).status).toBe(201);
  },
  'keeps the spec as it was created': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    for (const [field, value] of Object.entries(frozen)) {
      const answer = await api.patch(api.own('deploytasks', 'one'), { spec: { [field]: value } });
      expect(answer.status).toBe(422);
    }
    const allowed = await api.patch(api.own('deploytasks', 'one'), {
      spec: { priority: 5, ttlSecondsAfterFinished: 60, cancel: true },
    });
    expect(allowed.status).toBe(200);
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { cancel: false } })).status).toBe(422);
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { cancel: null } })).status).toBe(422);
  },
  'takes approval after the start and never back': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { approved: true } })).status).toBe(422);
    await setStatus(api, 'one', { state: 'Pending' });
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { approved: true } })).status).toBe(200);
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { approved: false } })).status).toBe(422);
  },
  'lets no task be assigned that needs an approval and has none': async (api) => {
    await api.post(api.own('deploytasks'), task('one', { params: { approve: 'required' } }));
    const approval = { digest: `sha256:${'a'.repeat(64)}`, by: 'user:bob', time: '2026-01-02T03:04:05.000Z' };
    const status = async (change: object): Promise<number> =>
      (await api.patch(api.own('deploytasks', 'one/status'), { status: change })).status;
    expect(await status(assigned('agent-1'))).toBe(422);
    expect(await status({ state: 'Pending' })).toBe(200);
    expect(await status(assigned('agent-1'))).toBe(422);
    expect(await status({ approval })).toBe(422);
    expect(await status({ ...assigned('agent-1'), approval })).toBe(422);
    expect((await api.patch(api.own('deploytasks', 'one'), { spec: { approved: true } })).status).toBe(200);
    expect(await status(assigned('agent-1'))).toBe(422);
    expect(await status({ approval: { ...approval, digest: 'sha256:x' } })).toBe(422);
    expect(await status({ ...assigned('agent-1'), approval })).toBe(200);
    for (const change of [
      null,
      { by: 'user:eve' },
      { digest: `sha256:${'b'.repeat(64)}` },
      { time: '2027-01-01T00:00:00Z' },
    ])
      expect(await status({ approval: change })).toBe(422);
    expect(await status({ state: 'Running' })).toBe(200);
  },
  'lets a task that nobody approves be canceled and fail': async (api) => {
    for (const [name, state] of [
      ['one', 'Canceled'],
      ['two', 'Failed'],
    ] as const) {
      await api.post(api.own('deploytasks'), task(name, { params: { approve: 'required' } }));
      expect((await setStatus(api, name, { state: 'Pending' })).status).toBe(200);
      expect((await setStatus(api, name, { state })).status).toBe(200);
    }
  },
  'takes a task through its life and then freezes it': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    const path = api.own('deploytasks', 'one/status');
    expect((await api.patch(path, { status: assigned('agent-1') })).status).toBe(200);
    expect(
      (await api.patch(path, { status: { state: 'Running', startTime: '2026-01-02T03:04:05.678Z' } })).status,
    ).toBe(200);
    expect((await api.patch(path, { status: { assignment: { epoch: 2 } } })).status).toBe(422);
    expect((await api.patch(path, { status: { state: 'Succeeded', ...ended } })).status).toBe(200);
    for (const change of [
      { state: 'Failed' },
      { state: null },
      { exitCode: 1 },
      { error: 'late' },
      { result: { text: 'y' } },
      { rollback: { available: true, exact: true, statements: 1, bytes: 1 } },
      { approval: { digest: `sha256:${'a'.repeat(64)}`, time: '2026-01-02T03:04:05.000Z' } },
      { log: { total: 0 } },
      { startTime: null },
      { completionTime: '2027-01-01T00:00:00Z' },
      { assignment: { agent: 'agent-2' } },
      { assignment: null },
    ]) {
      expect((await api.patch(path, { status: change })).status).toBe(422);
    }
    expect((await api.patch(path, { status: { observedGeneration: 5 } })).status).toBe(200);
  },
  'fences assignments by epoch': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    const path = api.own('deploytasks', 'one/status');
    expect((await api.patch(path, { status: { state: 'Assigned' } })).status).toBe(422);
    expect((await api.patch(path, { status: { state: 'Running' } })).status).toBe(422);
    await setStatus(api, 'one', assigned('agent-1', 2));
    expect((await api.patch(path, { status: assigned('agent-2', 2) })).status).toBe(422);
    expect((await api.patch(path, { status: assigned('agent-1', 1) })).status).toBe(422);
    expect((await api.patch(path, { status: assigned('agent-2', 3) })).status).toBe(200);
    expect((await api.patch(path, { status: { state: 'Pending' } })).status).toBe(200);
    expect((await api.patch(path, { status: { state: 'Assigned' } })).status).toBe(422);
    expect((await api.patch(path, { status: assigned('agent-1', 4) })).status).toBe(200);
    expect((await api.patch(path, { status: { state: 'Succeeded' } })).status).toBe(422);
    expect((await api.patch(path, { status: { state: 'Unknown' } })).status).toBe(200);
    expect((await api.patch(path, { status: { state: 'Succeeded' } })).status).toBe(422);
    const resolution = { by: 'agent', evidence: 'exit code 0 in the journal' };
    expect((await api.patch(path, { status: { state: 'Succeeded', resolution } })).status).toBe(200);
  },
};
