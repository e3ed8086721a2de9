import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { startControllerManager } from '../kubernetes/cluster.ts';
import { describeConformance } from './describe-conformance.ts';
import { hasKubectl } from './kubectl.ts';
import { garbageCollection, kubectlDeletion, namespaceDeletion } from './scenarios/garbage-collection.ts';

// On a real server the kube-controller-manager does this work; the embedded server has it built in.
let controllerManager: ChildProcess | undefined;
beforeAll(() => {
  const cluster = inject('cluster');
  if (cluster !== null) controllerManager = startControllerManager(cluster);
});
afterAll(() => controllerManager?.kill('SIGKILL'));

describeConformance('Garbage collection', garbageCollection);
describeConformance('Deletion of namespaces', namespaceDeletion);
describe.skipIf(!hasKubectl())('kubectl', () => {
  describeConformance('deletes', kubectlDeletion);
});
