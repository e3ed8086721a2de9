import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { readinessOf } from './readiness.ts';

const workload = (kind: string, spec: JsonObject, status: JsonObject): JsonObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'a', generation: 2 },
  spec,
  status: { observedGeneration: 2, ...status },
});
const conditions = (...list: [string, string, string?][]): JsonObject => ({
  conditions: list.map(([type, status, reason]) => ({ type, status, reason, message: reason })),
});
const of = (apiVersion: string, kind: string, status: JsonObject, spec: JsonObject = {}): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: 'a' },
  spec,
  status,
});

describe('readinessOf', () => {
  it.each<[string, JsonObject, string]>([
    ['Deployment', workload('Deployment', { replicas: 3 }, { observedGeneration: 1 }), 'waiting: its controller'],
    [
      'Deployment',
      workload('Deployment', { replicas: 3 }, { updatedReplicas: 1 }),
      'waiting: 1 of 3 new replicas have been updated',
    ],
    [
      'Deployment',
      workload('Deployment', { replicas: 3 }, { replicas: 4, updatedReplicas: 3 }),
      'waiting: 1 old replicas are pending',
    ],
    [
      'Deployment',
      workload('Deployment', { replicas: 3 }, { replicas: 3, updatedReplicas: 3, availableReplicas: 2 }),
      'waiting: 2 of 3 updated',
    ],
    [
      'Deployment',
      workload('Deployment', { replicas: 3 }, { replicas: 3, updatedReplicas: 3, availableReplicas: 3 }),
      'ready',
    ],
    ['Deployment', workload('Deployment', { replicas: 0 }, {}), 'ready'],
    [
      'Deployment',
      workload('Deployment', {}, conditions(['Progressing', 'False', 'ProgressDeadlineExceeded'])),
      'failed: it exceeded',
    ],
    ['Deployment', workload('Deployment', { paused: true }, {}), 'failed: it is paused'],
    ['Deployment', workload('Deployment', { paused: true }, { observedGeneration: 1 }), 'failed: it is paused'],
    ['StatefulSet', workload('StatefulSet', { replicas: 2 }, { readyReplicas: 1 }), 'waiting: 1 of 2 pods are ready'],
    [
      'StatefulSet',
      workload('StatefulSet', { replicas: 2 }, { readyReplicas: 2, updateRevision: 'b', currentRevision: 'a' }),
      'waiting: 0 pods',
    ],
    [
      'StatefulSet',
      workload('StatefulSet', { replicas: 2 }, { readyReplicas: 2, updateRevision: 'b', currentRevision: 'b' }),
      'ready',
    ],
    [
      'StatefulSet with a partition',
      workload(
        'StatefulSet',
        { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } },
        { readyReplicas: 3, updatedReplicas: 1 },
      ),
      'ready',
    ],
    [
      'DaemonSet',
      workload('DaemonSet', {}, { desiredNumberScheduled: 2, updatedNumberScheduled: 1 }),
      'waiting: 1 of 2 new pods',
    ],
    [
      'DaemonSet',
      workload('DaemonSet', {}, { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 }),
      'waiting: 1 of 2 pods',
    ],
    [
      'DaemonSet',
      workload('DaemonSet', {}, { desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }),
      'ready',
    ],
    ['Job', of('batch/v1', 'Job', { succeeded: 1 }, { completions: 3 }), 'waiting: 1 of 3 completions'],
    ['Job', of('batch/v1', 'Job', conditions(['Complete', 'True'])), 'ready'],
    [
      'Job',
      of('batch/v1', 'Job', conditions(['Failed', 'True', 'BackoffLimitExceeded'])),
      'failed: the job failed: BackoffLimitExceeded',
    ],
    [
      'Pod',
      of('v1', 'Pod', { phase: 'Running', ...conditions(['Ready', 'False', 'ContainersNotReady']) }),
      'waiting: condition Ready is False',
    ],
    ['Pod', of('v1', 'Pod', { phase: 'Running', ...conditions(['Ready', 'True']) }), 'ready'],
    ['Pod', of('v1', 'Pod', { phase: 'Succeeded' }), 'ready'],
    ['Pod', of('v1', 'Pod', { phase: 'Failed', reason: 'Evicted' }), 'failed: the pod failed: Evicted'],
    ['PVC', of('v1', 'PersistentVolumeClaim', { phase: 'Pending' }), 'waiting: phase is Pending'],
    ['PVC', of('v1', 'PersistentVolumeClaim', { phase: 'Bound' }), 'ready'],
    ['Namespace', of('v1', 'Namespace', { phase: 'Terminating' }), 'waiting: phase is Terminating'],
    ['CRD', of('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {}), 'waiting: condition Established is unknown'],
    [
      'CRD',
      of('apiextensions.k8s.io/v1', 'CustomResourceDefinition', conditions(['NamesAccepted', 'False', 'Taken'])),
      'failed: its names',
    ],
    ['no status', { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, 'ready'],
    [
      'a custom kind',
      of('a.b/v1', 'Thing', conditions(['Ready', 'False', 'Busy'])),
      'waiting: condition Ready is False: Busy',
    ],
    [
      'a custom kind',
      of('a.b/v1', 'Thing', conditions(['Stalled', 'True', 'NoQuota'])),
      'failed: it is stalled: NoQuota',
    ],
    [
      'a custom kind',
      of('a.b/v1', 'Thing', conditions(['Reconciling', 'True', 'Progressing'])),
      'waiting: Progressing',
    ],
    [
      'what is being deleted',
      { ...of('v1', 'Pod', { phase: 'Succeeded' }), metadata: { deletionTimestamp: 'x' } },
      'failed: it is being deleted',
    ],
  ])('of %s: %#', (_what, object, expected) => {
    const { state, message } = readinessOf(object);
    expect(state === 'ready' ? 'ready' : `${state}: ${message}`).toContain(expected);
  });
});
