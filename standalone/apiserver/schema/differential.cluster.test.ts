import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { KubeError } from '../../../kube/kube-error.ts';
import type { KubeObject } from '../../../kube/object.ts';
import { deployTasks, resourcePath } from '../../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../test/kubernetes/shared.ts';
import { definitionOf, readCrd } from './testing/crd-files.ts';
import { create, update } from './testing/pipeline.ts';
import type { Outcome } from './testing/pipeline.ts';
import { applyEdits, newTask, specEdit, statusEdit, taskOf } from './testing/task-cases.ts';
import type { Json } from './testing/task-cases.ts';

/** So many cases of each of the three sorts; the seed makes a failure repeatable. */
const CASES = { numRuns: 60, seed: 20261122, endOnFailure: true } as const;

/** What both servers say, in a form in which the order of Go's maps does not show. */
interface Answer {
  readonly code: number;
  readonly causes?: readonly string[];
  readonly message?: string;
  readonly object?: unknown;
}

const definition = definitionOf(readCrd('deploytasks'));

function ourAnswer(outcome: Outcome): Answer {
  if ('object' in outcome) return { code: 200, object: comparable(outcome.object) };
  if (outcome.code === 400) return { code: 400, message: outcome.message };
  return { code: 422, causes: sorted(outcome.errors.map((error) => `${error.field} ${error.type} ${error.message}`)) };
}

// The nearest miss is told in the order of Go's maps, and the metadata's checks run twice there on updates.
const sorted = (causes: readonly string[]): string[] => [...new Set(causes)].sort();

function comparable(object: KubeObject): unknown {
  const { labels, annotations, finalizers, generation } = object.metadata;
  return JSON.parse(JSON.stringify({ ...object, metadata: { labels, annotations, finalizers, generation } }));
}

describe.skipIf(!hasCluster())('Custom resources, beside a real kube-apiserver', () => {
  let cluster: SharedCluster;
  let names = 0;
  const nextName = (): string => `case-${(names += 1)}`;

  beforeAll(async () => {
    cluster = await sharedCluster();
  });

  async function realAnswer(method: 'POST' | 'PUT', object: KubeObject, subresource = ''): Promise<Answer> {
    const root = resourcePath(deployTasks, cluster.namespace);
    const path = method === 'POST' ? root : `${root}/${object.metadata.name}${subresource}`;
    try {
      const answer = await cluster.client.raw<KubeObject>({
        method,
        path: `${path}?dryRun=All`,
        body: JSON.stringify(object),
      });
      return { code: 200, object: comparable(answer) };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      const { causes } = error.status.details ?? {};
      if (causes === undefined) return { code: error.code, message: error.status.message ?? '' };
      return { code: error.code, causes: sorted(causes.map((one) => `${one.field} ${one.reason} ${one.message}`)) };
    }
  }

  /** Puts a task with a status into the real server, past the rules that only hold for steps. */
  async function storeTask(spec: Json, status: Json): Promise<KubeObject & Json> {
    const name = nextName();
    const task = await cluster.client.create(deployTasks, cluster.namespace, taskOf(name, spec) as never);
    const steps: Json[] = [];
    const { state } = status;
    if (state === 'Running' || state === 'Succeeded' || state === 'Unknown') {
      const assignment = status['assignment'];
      steps.push({ state: 'Assigned', assignment });
      if (state !== 'Running') steps.push({ state: 'Running', assignment });
    }
    if (Object.keys(status).length > 0) steps.push(status);
    let last = task as unknown as KubeObject & Json;
    for (const step of steps)
      last = (await cluster.client.patch(
        deployTasks,
        cluster.namespace,
        name,
        { status: step },
        { subresource: 'status' },
      )) as never;
    return last;
  }

  it('accepts and refuses new tasks alike, with the same causes', async () => {
    await fc.assert(
      fc.asyncProperty(newTask, async ({ spec, edits }) => {
        const task = taskOf(nextName(), spec);
        applyEdits(task, edits);
        const real = await realAnswer('POST', structuredClone(task));
        expect(ourAnswer(create(definition, task, cluster.namespace))).toEqual(real);
      }),
      CASES,
    );
  });

  it('accepts and refuses edits of tasks alike, with the same causes', async () => {
    await fc.assert(
      fc.asyncProperty(specEdit, async ({ spec, status, edits }) => {
        const old = await storeTask(spec, status);
        const next = structuredClone(old);
        applyEdits(next, edits);
        const real = await realAnswer('PUT', structuredClone(next));
        expect(ourAnswer(update(definition, withMetadata(next, old), old))).toEqual(real);
      }),
      CASES,
    );
  });

  it('accepts and refuses edits of the status alike, with the same causes', async () => {
    await fc.assert(
      fc.asyncProperty(statusEdit, async ({ spec, status, next: replaced, edits }) => {
        const old = await storeTask(spec, status);
        const next = structuredClone(old);
        if (replaced !== undefined) next['status'] = structuredClone(replaced);
        applyEdits(next, edits);
        const real = await realAnswer('PUT', structuredClone(next), '/status');
        expect(ourAnswer(update(definition, withMetadata(next, old), old, 'status'))).toEqual(real);
      }),
      CASES,
    );
  });

  /** The server's own part of the metadata, which the pipeline of the test leaves as it stands. */
  function withMetadata(next: KubeObject, old: KubeObject): KubeObject {
    Object.assign(old.metadata, {
      uid: '5d5ec892-3246-41db-b4ae-e48447778f1e',
      creationTimestamp: '2026-01-01T00:00:00Z',
    });
    return next;
  }
});
