/**
 * How much CPU the embedded API server's checks of a DeployTask take, in microseconds per call: `npm exec -c 'node
 * bench/schema-validation.ts'`. The bars are 60 for validating a status patch and 15 for pruning and defaulting.
 */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { KubeObject } from '../kube/object.ts';
import { applyMergePatch } from '../standalone/apiserver/patch/merge-patch.ts';
import type { ResourceDefinition } from '../standalone/apiserver/resource-definition.ts';
import { definitionsFromCrd } from '../standalone/apiserver/schema/crd.ts';

const ROUNDS = 20_000;

function measure(name: string, call: () => void): void {
  for (let round = 0; round < ROUNDS; round += 1) call();
  // CPU time, not wall time: other work on the machine must not show.
  const start = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round += 1) call();
  const { user, system } = process.cpuUsage(start);
  const micros = (user + system) / ROUNDS;
  console.log(`${name.padEnd(48)} ${micros.toFixed(1).padStart(7)} µs`);
}

const file = new URL('../crds/deploytasks.yaml', import.meta.url);
const [definition] = definitionsFromCrd(load(readFileSync(file, 'utf8')) as KubeObject) as [ResourceDefinition];

const assignment = { agent: 'local', instance: '0123456789abcdef0123', epoch: 1, time: '2026-01-01T00:00:00.000Z' };
const task = {
  apiVersion: 'tiangong.io/v1alpha1',
  kind: 'DeployTask',
  metadata: {
    name: 'task-01jb0000000000000000000000',
    namespace: 'default',
    uid: '5d5ec892-3246-41db-b4ae-e48447778f1e',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['tiangong.io/cleanup'],
  },
  spec: {
    type: 'shell',
    agent: 'local',
    command: 'echo hello',
    startDeadlineSeconds: 600,
    ttlSecondsAfterFinished: 604800,
  },
  status: { observedGeneration: -1 },
} as unknown as KubeObject;

const condition = (type: string): object => ({
  type,
  status: 'True',
  reason: 'Completed',
  message: 'the task succeeded',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:01.000Z',
});

const finish = {
  metadata: { resourceVersion: '1' },
  status: {
    state: 'Succeeded',
    completionTime: '2026-01-01T00:00:01.000Z',
    duration: '0.01s',
    exitCode: 0,
    result: { text: 'hello\n', bytes: 6 },
    log: { total: 1, lines: [{ id: 1, level: 'info', timestamp: '2026-01-01T00:00:00.500Z', message: 'hello' }] },
    conditions: ['Assigned', 'Succeeded', 'Finished', 'Reconciling', 'Stalled'].map(condition),
  },
};

const running = applyMergePatch(task, {
  status: { state: 'Running', assignment, startTime: '2026-01-01T00:00:00.000Z', conditions: [condition('Assigned')] },
});

function patched(): KubeObject {
  const object = applyMergePatch(running, finish);
  return { ...object, metadata: { ...object.metadata } };
}

const text = JSON.stringify(task);
const ready = patched();
definition.prepareForUpdate?.(ready, running, 'status');
const errors = definition.validate(ready, running, 'status');
if (errors.length > 0) throw new Error(JSON.stringify(errors));

measure('parse a new task (for scale)', () => void JSON.parse(text));
measure('prune and default a new task', () => {
  const object = JSON.parse(text) as KubeObject;
  definition.prune(object);
  definition.applyDefaults(object);
});
measure('validate a new task', () => void definition.validate(task, undefined));
measure('merge-patch the finish onto a running task', () => void patched());
measure('prune and default the patched task', () => {
  definition.prune(ready);
  definition.applyDefaults(ready);
});
measure('validate the finish', () => void definition.validate(ready, running, 'status'));
measure('patch, prune, default, prepare and validate', () => {
  const object = patched();
  definition.prune(object);
  definition.applyDefaults(object);
  definition.prepareForUpdate?.(object, running, 'status');
  definition.validate(object, running, 'status');
});
