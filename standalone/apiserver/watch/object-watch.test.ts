import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { parseFieldSelector } from '../selectors/field-selector.ts';
import { StoredObject } from '../storage/stored-object.ts';
import type { Change } from '../storage/stored-object.ts';
import { ObjectWatch } from './object-watch.ts';
import { WatchHub } from './watch-hub.ts';

const things: ResourceDefinition = {
  group: 'test.io',
  version: 'v1',
  plural: 'things',
  singular: 'thing',
  kind: 'Thing',
  listKind: 'ThingList',
  shortNames: [],
  categories: [],
  namespaced: true,
  hasStatus: false,
  virtual: false,
  custom: true,
  storedAs: 'test.io/things',
  selectableFields: ['spec.agent', 'spec.state'],
  columns: [],
  openapi: {},
  verbs: [],
  prune: () => [],
  applyDefaults: () => undefined,
  validate: () => [],
};

interface Spec {
  readonly agent: string;
  readonly state: string;
}

type Step = { readonly name: string } & ({ readonly spec: Spec } | { readonly gone: true });

/** Turns steps into the changes that a store would tell of. */
function changesOf(steps: readonly Step[]): Change[] {
  const objects = new Map<string, StoredObject>();
  const changes: Change[] = [];
  let revision = 0;
  for (const step of steps) {
    const key = `test.io/things/default/${step.name}`;
    const previous = objects.get(key);
    if ('gone' in step && previous === undefined) continue;
    revision += 1;
    const metadata = { name: step.name, namespace: 'default', resourceVersion: String(revision) };
    const object = { metadata, spec: 'spec' in step ? step.spec : (previous?.object as { spec?: Spec }).spec };
    const current = new StoredObject(key, revision, JSON.stringify(object));
    const type = 'gone' in step ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
    changes.push({ type, revision, storedAs: 'test.io/things', current, previous });
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, current);
  }
  return changes;
}

interface SeenEvent {
  readonly type: string;
  readonly object: KubeObject & { readonly spec: Spec };
}

function watchAll(changes: readonly Change[], selector: string, indexed: boolean): SeenEvent[] {
  const hub = new WatchHub();
  const matches = selector === '' ? undefined : parseFieldSelector(selector, things);
  const watch = new ObjectWatch({
    definition: things,
    namespace: 'default',
    matches,
    render: undefined,
    allowBookmarks: false,
    timeoutSeconds: 60,
  });
  const [, agent] = /spec\.agent=(\w+)/.exec(selector) ?? [];
  const equals = indexed && agent !== undefined ? { path: 'spec.agent', value: agent } : undefined;
  watch.follow(hub, { storedAs: 'test.io/things', equals }, 0);
  hub.onChanges(changes);
  const text = watch.stream.take();
  watch.stream.cancel();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SeenEvent);
}

const arbitrarySteps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        name: fc.constantFrom('a', 'b', 'c'),
        spec: fc.record({ agent: fc.constantFrom('x', 'y'), state: fc.constantFrom('open', 'done') }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ name: fc.constantFrom('a', 'b', 'c'), gone: fc.constant(true as const) }) },
  ),
  { maxLength: 30 },
);
const SELECTORS = ['', 'spec.agent=x', 'spec.agent=x,spec.state!=done', 'spec.state=done', 'metadata.name=a'];

describe('ObjectWatch', () => {
  it.each(SELECTORS)('tells of exactly the objects that match %j, one at a time, as a model does', (selector) => {
    fc.assert(
      fc.property(arbitrarySteps, fc.boolean(), (steps, indexed) => {
        const changes = changesOf(steps);
        const matches = selector === '' ? () => true : parseFieldSelector(selector, things);
        const model = new Map<string, string>();
        const expected: string[] = [];
        for (const { type, revision, current } of changes) {
          const { name } = current.object.metadata;
          const isIn = type !== 'DELETED' && matches(current.object);
          const wasIn = model.has(name);
          if (isIn) expected.push(`${wasIn ? 'MODIFIED' : 'ADDED'} ${name} ${revision} ${specOf(current.object)}`);
          // What leaves is shown as it was known, with the version of the change.
          else if (wasIn) expected.push(`DELETED ${name} ${revision} ${model.get(name) ?? ''}`);
          if (isIn) model.set(name, specOf(current.object));
          else model.delete(name);
        }
        const seen = watchAll(changes, selector, indexed).map(
          ({ type, object }) =>
            `${type} ${object.metadata.name} ${object.metadata.resourceVersion ?? ''} ${specOf(object)}`,
        );
        expect(seen).toEqual(expected);
      }),
    );
  });

  it('sends nothing twice that was sent before it began to follow', () => {
    const changes = changesOf([
      { name: 'a', spec: { agent: 'x', state: 'open' } },
      { name: 'b', spec: { agent: 'x', state: 'open' } },
    ]);
    const hub = new WatchHub();
    const watch = new ObjectWatch({
      definition: things,
      namespace: '',
      matches: undefined,
      render: undefined,
      allowBookmarks: false,
      timeoutSeconds: 60,
    });
    watch.follow(hub, { storedAs: 'test.io/things' }, 1);
    hub.onChanges(changes);
    expect(watch.stream.take().split('\n').filter(Boolean)).toHaveLength(1);
    watch.stream.cancel();
  });

  it('cuts off a watcher that does not read', () => {
    const hub = new WatchHub();
    const watch = new ObjectWatch({
      definition: things,
      namespace: '',
      matches: undefined,
      render: undefined,
      allowBookmarks: false,
      timeoutSeconds: 60,
    });
    watch.follow(hub, { storedAs: 'test.io/things' }, 0);
    const text = JSON.stringify({ metadata: { name: 'a' }, padding: 'x'.repeat(1024 * 1024) });
    const current = new StoredObject('test.io/things/default/a', 1, text);
    for (let revision = 1; revision <= 40 && !watch.stream.ended; revision += 1)
      hub.onChanges([{ type: 'MODIFIED', revision, storedAs: 'test.io/things', current, previous: current }]);
    expect(watch.stream.ended).toBe(true);
    expect(watch.stream.take()).toBe('');
  });

  it('forgets watchers that have ended', () => {
    const hub = new WatchHub();
    const watch = new ObjectWatch({
      definition: things,
      namespace: '',
      matches: undefined,
      render: undefined,
      allowBookmarks: true,
      timeoutSeconds: 60,
    });
    watch.follow(hub, { storedAs: 'test.io/things', equals: { path: 'spec.agent', value: 'x' } }, 0);
    expect(hub.size).toBe(1);
    watch.stream.cancel();
    expect(hub.size).toBe(0);
  });
});

function specOf(object: KubeObject): string {
  const { agent, state } = (object as { spec?: Spec }).spec ?? { agent: '', state: '' };
  return `${agent}/${state}`;
}
