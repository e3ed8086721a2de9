import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import type { TaskState } from '../../../kube/task-state.ts';
import type { FieldError } from '../field-error.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { definitionOf, readCrd } from './testing/crd-files.ts';
import { create, update } from './testing/pipeline.ts';
import type { Outcome } from './testing/pipeline.ts';
import { taskOf } from './testing/task-cases.ts';
import type { Json } from './testing/task-cases.ts';

const tasks = definitionOf(readCrd('deploytasks'));
const agents = definitionOf(readCrd('agents'));
const SHELL = { type: 'shell', agent: 'local', command: 'echo hello' };
const assignment = { agent: 'local', instance: 'i', epoch: 2 };

function textsOf(outcome: Outcome): string[] {
  if ('errors' in outcome) return outcome.errors.map(({ field, message }: FieldError) => `${field}: ${message}`);
  return 'message' in outcome ? [outcome.message] : [];
}

const createTask = (spec: Json, more: Json = {}): string[] =>
  textsOf(create(tasks, { ...taskOf('task', spec), ...more }, 'default'));

/** A stored task with this status. */
function stored(status: Json, spec: Json = SHELL): KubeObject {
  const outcome = create(tasks, taskOf('task', spec), 'default');
  if (!('object' in outcome)) throw new Error(textsOf(outcome).join('\n'));
  const { object } = outcome;
  object.metadata.resourceVersion = '1';
  return { ...object, status } as KubeObject;
}

const patchStatus = (old: KubeObject, status: Json): Outcome =>
  update(tasks, mergePatch(old, { status }) as KubeObject, old, 'status');

describe('A new DeployTask', () => {
  it.each<[string, Json]>([
    ['a shell command', SHELL],
    ['an at sign behind the host', { type: 'api', agent: 'local', params: { url: 'http://host:1/a@b?c=d@e#f@g' } }],
    ['an at sign in a query', { type: 'api', agent: 'local', params: { url: 'https://[::1]?c=d@e' } }],
    ['an HTTP request', { type: 'api', agent: 'local', params: { url: 'http://host/', body: { free: ['form'] } } }],
    [
      'SQL for whichever agent matches',
      { type: 'mysql', agentSelector: { matchLabels: { zone: 'a' } }, command: 'select 1' },
    ],
    ['an uploaded file', { type: 'k8s', agent: 'local', fileId: 'f' }],
    ['unknown parameters', { ...SHELL, params: { anything: { goes: true } } }],
  ])('may be %s', (_what, spec) => {
    expect(createTask(spec)).toEqual([]);
  });

  it.each<[string, Json, string]>([
    ['no command', { type: 'shell', agent: 'local' }, 'spec.command: Invalid value: command is empty'],
    ['a command of blanks', { ...SHELL, command: ' \n\t' }, 'spec.command: Invalid value: command is empty'],
    ['no url', { type: 'api', agent: 'local' }, 'spec.params: Invalid value: url is required in params'],
    [
      'neither agent nor selector',
      { type: 'shell', command: 'x' },
      'spec: Invalid value: exactly one of agent and agentSelector must be set',
    ],
    [
      'a type that is none',
      { ...SHELL, type: 'ftp' },
      'spec.type: Unsupported value: "ftp": supported values: "shell", "api", "k8s", "mysql", "postgres", "mongo", "elasticsearch", "clickhouse", "doris", "file", "sync-action"',
    ],
    [
      'a number for a command',
      { ...SHELL, command: 7 },
      'spec.command: Invalid value: "integer": spec.command in body must be of type string: "integer"',
    ],
    [
      'an agent name that is too long',
      { ...SHELL, agent: 'a'.repeat(64) },
      'spec.agent: Too long: may not be more than 63 bytes',
    ],
    [
      'a priority out of bounds',
      { ...SHELL, priority: 1001 },
      'spec.priority: Invalid value: 1001: spec.priority in body should be less than or equal to 1000',
    ],
    [
      'approval in advance',
      { ...SHELL, approved: true },
      'spec.approved: Forbidden: approved may not be set at creation',
    ],
    [
      'a password',
      { ...SHELL, params: { password: 'x' } },
      'spec.params.password: Forbidden: password may not stand in a resource; name a Secret in secret_ref',
    ],
    [
      'a token for the target',
      { ...SHELL, params: { target: { token: 'x' } } },
      'spec.params.target.token: Forbidden: token may not stand in a resource; name a Secret in target.secret_ref',
    ],
    [
      'user information in the url',
      { type: 'api', agent: 'a', params: { url: 'HTTP:\\\\u:p@host' } },
      'spec.params.url: Forbidden: user information may not stand in a URL; name a Secret in headers_secret_ref',
    ],
    ...['//u:p@host', ' http://u:p@host', 'ht\ttp:/\n/u@host'].map((url): [string, Json, string] => [
      `user information in ${JSON.stringify(url)}, which clients mend`,
      { type: 'api', agent: 'a', params: { url } },
      'spec.params.url: Forbidden: user information may not stand in a URL; name a Secret in headers_secret_ref',
    ]),
    [
      'a credential header in odd case',
      { type: 'api', agent: 'a', params: { url: 'http://h', headers: { ' AuthOrization ': 'x' } } },
      'spec.params.headers: Forbidden: credential headers may not stand in a resource; name a Secret in headers_secret_ref',
    ],
  ])('may not have %s', (_what, spec, text) => {
    expect(createTask(spec)).toContain(text);
  });

  it('has no status, whatever was sent, but its default', () => {
    const outcome = create(
      tasks,
      { ...taskOf('task', SHELL), status: { state: 'Succeeded' } } as KubeObject,
      'default',
    );
    expect('object' in outcome && (outcome.object as KubeObject & Json)['status']).toEqual({ observedGeneration: -1 });
  });

  it('loses unknown fields, and tells which', () => {
    const outcome = create(
      tasks,
      { ...taskOf('task', { ...SHELL, bogus: { a: 1 } }), extra: 1 } as KubeObject,
      'default',
    );
    expect('object' in outcome && outcome.unknown).toEqual(['extra', 'spec.bogus']);
  });

  it('keeps its rules to itself while its shape is wrong', () => {
    expect(createTask({ type: 'ftp' }).at(-1)).toBe(
      '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    );
  });
});

describe('The state of a DeployTask', () => {
  const STATES: readonly TaskState[] = ['Pending', 'Assigned', 'Running', 'Succeeded', 'Failed', 'Canceled', 'Unknown'];
  /** design.md §3; staying where one is, is always allowed. */
  const ALLOWED: Readonly<Record<TaskState, readonly TaskState[]>> = {
    Pending: ['Assigned', 'Failed', 'Canceled'],
    Assigned: ['Pending', 'Running', 'Failed', 'Canceled', 'Unknown'],
    Running: ['Succeeded', 'Failed', 'Canceled', 'Unknown'],
    Succeeded: [],
    Failed: [],
    Canceled: [],
    Unknown: ['Succeeded', 'Failed'],
  };
  const pairs = STATES.flatMap((from) => STATES.map((to): [TaskState, TaskState] => [from, to]));

  it.each(pairs)('goes from %s to %s only as the table has it', (from, to) => {
    const epoch = from === 'Pending' && to === 'Assigned' ? 3 : 2;
    const resolution = from === 'Unknown' && to !== 'Unknown' ? { by: 'me', evidence: 'saw it' } : undefined;
    const next = { state: to, assignment: { ...assignment, epoch }, ...(resolution && { resolution }) };
    const refused = textsOf(patchStatus(stored({ state: from, assignment }), next));
    const expected = from === to || ALLOWED[from].includes(to);
    expect(refused).toEqual(expected ? [] : ['status.state: Invalid value: this change of state is not allowed']);
  });

  it.each(STATES)('may begin as %s only before the work', (state) => {
    const refused = textsOf(patchStatus(stored({ observedGeneration: -1 }), { state, assignment }));
    const expected = ['Pending', 'Assigned', 'Failed', 'Canceled'].includes(state);
    expect(refused.length === 0).toBe(expected);
  });

  it('leaves Unknown only with a resolution', () => {
    expect(textsOf(patchStatus(stored({ state: 'Unknown', assignment }), { state: 'Failed' }))).toEqual([
      'status.state: Invalid value: leaving Unknown needs a resolution',
    ]);
  });

  it('does not let the epoch fall, rise while running, or stay with another agent', () => {
    const running = stored({ state: 'Running', assignment });
    const assigned = stored({ state: 'Assigned', assignment });
    expect(textsOf(patchStatus(assigned, { assignment: { epoch: 1 } }))).toContain(
      'status.assignment.epoch: Invalid value: epoch may not go back',
    );
    expect(textsOf(patchStatus(running, { assignment: { epoch: 3 } }))).toHaveLength(1);
    expect(textsOf(patchStatus(assigned, { assignment: { agent: 'other' } }))).toEqual([
      'status.assignment.epoch: Invalid value: another agent or instance needs a higher epoch',
    ]);
    expect(textsOf(patchStatus(assigned, { assignment: { agent: 'other', epoch: 3 } }))).toEqual([]);
  });

  it('freezes what was found once it has ended, but not conditions', () => {
    const done = stored({ state: 'Succeeded', assignment, exitCode: 0, startTime: '2026-01-01T00:00:00Z' });
    expect(textsOf(patchStatus(done, { exitCode: 1, error: 'x' }))).toEqual([
      'status.error: Forbidden: error of a finished task is immutable',
      'status.exitCode: Forbidden: exitCode of a finished task is immutable',
    ]);
    // The same moment in other words is the same time.
    expect(textsOf(patchStatus(done, { startTime: '2026-01-01T01:00:00.000+01:00' }))).toEqual([]);
    expect(textsOf(patchStatus(done, { observedGeneration: 2 }))).toEqual([]);
  });
});

describe('The spec of a DeployTask', () => {
  const MUTABLE = new Set(['cancel', 'approved', 'priority', 'ttlSecondsAfterFinished']);
  const schema = readCrd('deploytasks').spec.versions[0]?.schema?.openAPIV3Schema?.properties?.['spec'];
  const fields = Object.keys(schema?.properties ?? {}).filter((field) => !MUTABLE.has(field));
  const VALUES: Readonly<Record<string, readonly [before: unknown, after: unknown]>> = {
    agent: ['local', 'other'],
    agentSelector: [{ matchLabels: { a: 'b' } }, { matchLabels: { a: 'c' } }],
    type: ['shell', 'doris'],
    command: ['echo hello', 'echo bye'],
    commandFrom: [undefined, { blob: { id: 'b', sha256: 'a'.repeat(64), bytes: 1 } }],
    params: [{ cwd: '/a' }, { cwd: '/b' }],
    fileId: ['a', 'b'],
    fileSha256: ['a'.repeat(64), 'b'.repeat(64)],
    timeoutSeconds: [1, 2],
    startDeadlineSeconds: [1, 2],
    idempotent: [false, true],
  };

  it.each(fields)('does not let %s change once it is there', (field) => {
    const values = VALUES[field];
    if (values === undefined) throw new Error(`add two values of spec.${field} to this test, and a rule to the CRD`);
    const [before, after] = values;
    const alongside = field === 'agentSelector' ? { agent: undefined } : field === 'fileSha256' ? { fileId: 'a' } : {};
    const spec = { ...SHELL, ...alongside, [field]: before };
    const task = taskOf('task', spec);
    const old = create(tasks, JSON.parse(JSON.stringify(task)) as KubeObject, 'default');
    if (!('object' in old)) throw new Error(textsOf(old).join('\n'));
    old.object.metadata.resourceVersion = '1';
    const changed = update(tasks, mergePatch(old.object, { spec: { [field]: after } }) as KubeObject, old.object);
    expect(textsOf(changed)).toContain(`spec.${field}: Forbidden: ${field} is immutable`);
  });

  it('lets what may change be changed, and counts it as a generation', () => {
    const old = stored({ observedGeneration: 1 });
    const changed = update(tasks, mergePatch(old, { spec: { cancel: true, priority: 3 } }) as KubeObject, old);
    expect('object' in changed && changed.object.metadata.generation).toBe(2);
    const labelled = update(tasks, mergePatch(old, { metadata: { labels: { a: 'b' } } }) as KubeObject, old);
    expect('object' in labelled && labelled.object.metadata.generation).toBe(1);
  });

  it('keeps the status of a write to the object, and the object of a write to the status', () => {
    const old = stored({ state: 'Pending' });
    const write = mergePatch(old, {
      spec: { priority: 3 },
      status: { state: 'Failed' },
      metadata: { labels: { a: 'b' } },
    });
    const toObject = update(tasks, structuredClone(write) as KubeObject, old);
    const toStatus = update(tasks, structuredClone(write) as KubeObject, old, 'status');
    expect('object' in toObject && toObject.object).toMatchObject({
      spec: { priority: 3 },
      status: { state: 'Pending' },
    });
    expect('object' in toStatus && toStatus.object).toMatchObject({
      spec: { priority: 0 },
      status: { state: 'Failed' },
    });
    expect('object' in toStatus && toStatus.object.metadata.labels).toBeUndefined();
  });
});

describe('An Agent', () => {
  const agent = (spec: Json, name = 'local'): string[] =>
    textsOf(
      create(
        agents,
        { apiVersion: 'tiangong.io/v1alpha1', kind: 'Agent', metadata: { name }, spec } as KubeObject,
        'default',
      ),
    );

  it('gets its defaults', () => {
    const outcome = create(
      agents,
      { apiVersion: 'tiangong.io/v1alpha1', kind: 'Agent', metadata: { name: 'a' } },
      'default',
    );
    expect('object' in outcome && (outcome.object as KubeObject & Json)['spec']).toEqual({
      maxConcurrent: 10,
      unschedulable: false,
    });
  });

  it.each<[string, string[]]>([
    ['a name over 63 characters', agent({}, 'a'.repeat(64))],
    ['the same namespace twice', agent({ namespaces: ['a', 'a'] })],
    ['no room at all', agent({ maxConcurrent: 0 })],
  ])('may not have %s', (_what, texts) => {
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(
      /^(<nil>: Invalid value: name must be no more|spec\.namespaces\[1\]: Duplicate value: "a"|spec\.maxConcurrent: Invalid value: 0: )/,
    );
  });
});
