import fc from 'fast-check';
import type { KubeObject } from '../../../../kube/object.ts';

/** JSON that a test may bend. */
export type Json = Record<string, unknown>;

const SPECS: readonly Json[] = [
  { type: 'shell', agent: 'local', command: 'echo hello' },
  { type: 'shell', agent: 'local', commandFrom: { blob: { id: 'b', sha256: 'a'.repeat(64), bytes: 10 } }, fileId: 'f' },
  {
    type: 'api',
    agent: 'local',
    params: { url: 'http://host/path', headers: { Accept: 'text/plain' }, body: { a: [1] } },
  },
  {
    type: 'mysql',
    agentSelector: { matchLabels: { zone: 'a' } },
    command: 'select 1',
    params: { target: { host: 'h', port: 3306 }, exec_options: { trans_batch_size: 5 } },
  },
  {
    type: 'k8s',
    agentSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['x'] }] },
    fileId: 'f',
    priority: 5,
    cancel: false,
  },
];

const STATUSES: readonly Json[] = [
  {},
  { state: 'Pending', observedGeneration: 1 },
  { state: 'Assigned', assignment: { agent: 'local', instance: 'i', epoch: 1, time: '2026-01-01T00:00:00Z' } },
  { state: 'Running', assignment: { agent: 'local', instance: 'i', epoch: 2 }, startTime: '2026-01-01T00:00:00.123Z' },
  {
    state: 'Succeeded',
    assignment: { agent: 'local', epoch: 2 },
    exitCode: 0,
    result: { text: 'hello\n', bytes: 6 },
    log: { total: 1, lines: [{ id: 1, level: 'info', message: 'hello', timestamp: '2026-01-01T00:00:00.5Z' }] },
    completionTime: '2026-01-01T00:00:01Z',
    conditions: [
      {
        type: 'Succeeded',
        status: 'True',
        reason: 'Completed',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:01Z',
      },
    ],
  },
  { state: 'Unknown', assignment: { agent: 'local', epoch: 2 } },
  { state: 'Unknown', assignment: { agent: 'local', epoch: 2 }, resolution: { by: 'me', evidence: 'saw it' } },
];

/** Values that fit some fields and break the others. */
const VALUES: readonly unknown[] = [
  '',
  ' ',
  'x',
  'shell',
  'api',
  'Running',
  'Assigned',
  'Succeeded',
  'Pending',
  'Unknown',
  'Failed',
  'x'.repeat(64),
  'é'.repeat(63),
  '😀'.repeat(63),
  'x'.repeat(254),
  'http://user:pw@host/',
  '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.000Z',
  '2026-13-01T00:00:00Z',
  'tab\tquote"<&>\u0001',
  0,
  1,
  2,
  -1,
  1001,
  1.5,
  99999999999,
  70000,
  true,
  false,
  null,
  [],
  {},
  [1, 'a'],
  ['a', 'a'],
  { a: 1 },
  { password: 'x' },
  { agent: 'other', epoch: 3 },
  { agent: 'local', epoch: 1 },
  { Authorization: 'x' },
  { url: 'http://h', unknown: [1] },
  { blob: {} },
  { text: 'hello\n', bytes: 6 },
];

/** Paths that edits go to: known fields of every kind, unknown ones, and some of the metadata. */
const PATHS: readonly string[] = [
  'spec.agent',
  'spec.agentSelector',
  'spec.agentSelector.matchLabels',
  'spec.agentSelector.matchLabels.k',
  'spec.agentSelector.matchExpressions',
  'spec.agentSelector.matchExpressions.0.operator',
  'spec.type',
  'spec.command',
  'spec.commandFrom',
  'spec.commandFrom.blob.sha256',
  'spec.params',
  'spec.params.url',
  'spec.params.headers',
  'spec.params.headers.X-Api-Key',
  'spec.params.headers.ok',
  'spec.params.body',
  'spec.params.password',
  'spec.params.unknown',
  'spec.params.patch_type',
  'spec.params.target.token',
  'spec.params.target.port',
  'spec.params.target.unknown',
  'spec.params.exec_options.concurrency',
  'spec.params.verify_ssl',
  'spec.params.metadata',
  'spec.params.env',
  'spec.params.env.A',
  'spec.fileId',
  'spec.timeoutSeconds',
  'spec.startDeadlineSeconds',
  'spec.idempotent',
  'spec.priority',
  'spec.cancel',
  'spec.approved',
  'spec.ttlSecondsAfterFinished',
  'spec.unknown',
  'spec',
  'unknown',
  'metadata.labels.a',
  'metadata.annotations.a',
  'metadata.finalizers',
];

const STATUS_PATHS: readonly string[] = [
  'status',
  'status.state',
  'status.observedGeneration',
  'status.assignment',
  'status.assignment.agent',
  'status.assignment.epoch',
  'status.assignment.instance',
  'status.assignment.time',
  'status.startTime',
  'status.completionTime',
  'status.duration',
  'status.exitCode',
  'status.result',
  'status.result.text',
  'status.result.bytes',
  'status.error',
  'status.log',
  'status.log.total',
  'status.log.lines',
  'status.log.lines.0.timestamp',
  'status.log.lines.0.level',
  'status.resolution',
  'status.resolution.by',
  'status.conditions',
  'status.conditions.0.type',
  'status.conditions.0.status',
  'status.conditions.0.reason',
  'status.conditions.1',
  'status.unknown',
];

const CONDITION = {
  type: 'Succeeded',
  status: 'True',
  reason: 'A',
  message: 'm',
  lastTransitionTime: '2026-01-01T00:00:01Z',
};

/** One change: a value for a path, or undefined to take it away. */
export interface Edit {
  readonly path: string;
  readonly value: unknown;
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constant([CONDITION, CONDITION]) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: 'binary-ascii' }) },
  { weight: 1, arbitrary: fc.integer() },
);

const edits = (paths: readonly string[]): fc.Arbitrary<Edit[]> =>
  fc.array(fc.record({ path: fc.constantFrom(...paths), value }), { minLength: 1, maxLength: 3 });

const spec = fc.constantFrom(...SPECS);
const status = fc.constantFrom(...STATUSES);

/** A task to create, often a bad one. */
export const newTask = fc.record({ spec, edits: fc.oneof(edits(PATHS), fc.constant([])) });

/** A task that is there, and an edit of it. */
export const specEdit = fc.record({ spec, status, edits: edits(PATHS) });

/** A task that is there, and an edit of its status: a few fields, or another state altogether. */
export const statusEdit = fc.record({
  spec,
  status,
  next: fc.oneof(status, fc.constant(undefined)),
  edits: fc.oneof(edits(STATUS_PATHS), edits(STATUS_PATHS), fc.constant([])),
});

export function taskOf(name: string, taskSpec: Json): KubeObject & Json {
  return {
    apiVersion: 'tiangong.io/v1alpha1',
    kind: 'DeployTask',
    metadata: { name },
    spec: structuredClone(taskSpec),
  };
}

/** Applies edits in place; edits of what is not there make it, as far as objects go. */
export function applyEdits(object: Json, changes: readonly Edit[]): void {
  for (const { path, value: next } of changes) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let target: Json | undefined = object;
    for (const name of names) {
      const member: unknown = target[name] ?? {};
      if (typeof member !== 'object' || member === null) {
        target = undefined;
        break;
      }
      target[name] = member;
      target = member as Json;
    }
    if (target === undefined || (Array.isArray(target) && Number(last) > target.length)) continue;
    if (next === undefined) Reflect.deleteProperty(target, last);
    else target[last] = structuredClone(next);
  }
}
