import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, configMap, task } from '../objects.ts';
import { Watch, gist } from '../watch.ts';
import type { SeenEvent } from '../watch.ts';

const record = (api: Api, events: readonly SeenEvent[]): void => api.record({ step: 'events', body: events });

async function listVersion(api: Api, path: string): Promise<string> {
  const { body } = await api.get(path, { recorded: false });
  return body.metadata.resourceVersion ?? '';
}

async function change(api: Api, name: string): Promise<void> {
  const path = api.own('agents', name);
  await api.post(api.own('agents'), agent(name));
  await api.patch(path, { spec: { maxConcurrent: 2 } });
  await api.patch(`${path}/status`, { status: { version: '1' } });
  await api.delete(path);
}

export const watching: Record<string, Scenario> = {
  'sends every change after a version, in order': async (api) => {
    const resourceVersion = await listVersion(api, api.own('agents'));
    const live = await Watch.open(api, api.own('agents'), { resourceVersion });
    await change(api, 'one');
    const events = await live.expectEvents(4);
    expect(gist(events)).toEqual(['ADDED one', 'MODIFIED one', 'MODIFIED one', 'DELETED one']);
    record(api, events);
    const replayed = await Watch.open(api, api.own('agents'), { resourceVersion });
    expect(await replayed.expectEvents(4)).toEqual(events);
  },
  'gives a deleted object the version of its deletion': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'));
    const watch = await Watch.open(api, api.own('agents'), {
      resourceVersion: created.body.metadata.resourceVersion ?? '',
    });
    await api.delete(api.own('agents', 'one'));
    const [deleted] = await watch.expectEvents(1);
    expect(deleted?.type).toBe('DELETED');
    expect(deleted?.object.metadata.resourceVersion).not.toBe(created.body.metadata.resourceVersion);
  },
  'sends the present objects as ADDED when no version is given': async (api) => {
    await api.post(api.own('agents'), agent('a'));
    await api.post(api.own('agents'), agent('b'));
    for (const query of [{}, { resourceVersion: '0' }]) {
      const watch = await Watch.open(api, api.own('agents'), query);
      const events = await watch.expectEvents(2);
      expect(gist(events).sort()).toEqual(['ADDED a', 'ADDED b']);
      record(api, events);
    }
  },
  'turns into and out of a field selector are ADDED and DELETED': async (api) => {
    const resourceVersion = await listVersion(api, api.own('deploytasks'));
    const fieldSelector =
      'status.assignment.agent=agent-1,status.state!=Succeeded,status.state!=Failed,status.state!=Canceled,status.state!=Unknown';
    const watch = await Watch.open(api, api.own('deploytasks'), { resourceVersion, fieldSelector });
    await api.post(api.own('deploytasks'), task('one'));
    const path = api.own('deploytasks', 'one/status');
    await api.patch(path, { status: assigned('agent-1') });
    await api.patch(path, { status: { state: 'Running' } });
    await api.patch(path, { status: { state: 'Succeeded' } });
    await api.post(api.own('deploytasks'), task('two'));
    await api.patch(api.own('deploytasks', 'two/status'), { status: assigned('agent-1') });
    await api.patch(api.own('deploytasks', 'two/status'), { status: assigned('agent-2', 2) });
    const events = await watch.expectEvents(5);
    expect(gist(events)).toEqual(['ADDED one', 'MODIFIED one', 'DELETED one', 'ADDED two', 'DELETED two']);
    expect(events[2]?.object.status).toMatchObject({ state: 'Running' });
    record(api, events);
  },
  'follows a label selector': async (api) => {
    const resourceVersion = await listVersion(api, api.core('configmaps'));
    const watch = await Watch.open(api, api.core('configmaps'), { resourceVersion, labelSelector: 'role=db' });
    await api.post(api.core('configmaps'), configMap('one'));
    for (const role of ['db', 'web', 'db']) {
      await api.patch(api.core('configmaps', 'one'), { metadata: { labels: { role } } });
    }
    await api.delete(api.core('configmaps', 'one'));
    const events = await watch.expectEvents(4);
    expect(gist(events)).toEqual(['ADDED one', 'DELETED one', 'ADDED one', 'DELETED one']);
    record(api, events);
  },
  'watches one object by its name': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    await api.post(api.own('agents'), agent('two'));
    const watch = await Watch.open(api, api.own('agents'), { fieldSelector: 'metadata.name=two' });
    await api.patch(api.own('agents', 'one'), { spec: { maxConcurrent: 3 } });
    await api.patch(api.own('agents', 'two'), { spec: { maxConcurrent: 3 } });
    const events = await watch.expectEvents(2);
    expect(gist(events)).toEqual(['ADDED two', 'MODIFIED two']);
    record(api, events);
    const single = await Watch.open(api, api.own('agents', 'two'), {});
    record(api, await single.expectEvents(1));
  },
  'says nothing about writes that change nothing': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'));
    const watch = await Watch.open(api, api.own('agents'), {
      resourceVersion: created.body.metadata.resourceVersion ?? '',
    });
    await api.patch(api.own('agents', 'one'), { spec: { maxConcurrent: 10 } });
    await api.patch(api.own('agents', 'one'), { spec: { maxConcurrent: 11 } });
    const events = await watch.expectEvents(1);
    expect(events[0]?.object.spec).toMatchObject({ maxConcurrent: 11 });
  },
  'shows a deletion that waits for a finalizer as MODIFIED first': async (api) => {
    const finalizers = ['tiangong.io/cleanup'];
    const created = await api.post(api.own('agents'), agent('one', {}, { finalizers }));
    const watch = await Watch.open(api, api.own('agents'), {
      resourceVersion: created.body.metadata.resourceVersion ?? '',
    });
    await api.delete(api.own('agents', 'one'));
    await api.patch(api.own('agents', 'one'), { metadata: { finalizers: null } });
    const events = await watch.expectEvents(2);
    expect(gist(events)).toEqual(['MODIFIED one', 'DELETED one']);
    record(api, events);
  },
  'closes after timeoutSeconds': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'));
    const watch = await Watch.open(api, api.own('agents'), {
      resourceVersion: created.body.metadata.resourceVersion ?? '',
      timeoutSeconds: 1,
    });
    await watch.end();
    expect(watch.events).toEqual([]);
  },
  'marks the end of the present objects when no version but bookmarks are asked for': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    const watch = await Watch.open(api, api.own('agents'), { timeoutSeconds: 1, allowWatchBookmarks: true });
    await watch.end();
    record(api, watch.events);
  },
  'streams a whole list with a bookmark at its end': async (api) => {
    await api.post(api.own('agents'), agent('a'));
    await api.post(api.own('agents'), agent('b'));
    const watch = await Watch.open(api, api.own('agents'), {
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    await watch.until((events) => events.some(({ type }) => type === 'BOOKMARK'));
    expect(gist(watch.events.slice(0, 3)).sort()).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK']);
    expect(watch.events[2]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    await api.post(api.own('agents'), agent('c'));
    await watch.expectEvents(3);
    const bad = { watch: 1, sendInitialEvents: true, allowWatchBookmarks: true };
    expect((await api.get(api.own('agents'), { query: bad })).status).toBe(422);
  },
  'says 410 for a version that it no longer has': async (api) => {
    const answer = await api.get(api.own('agents'), { query: { watch: 1, resourceVersion: 1, timeoutSeconds: 5 } });
    const text = answer.status === 200 ? (JSON.parse(answer.text) as SeenEvent).object : answer.body;
    expect(text).toMatchObject({ code: 410, reason: 'Expired' });
  },
  'refuses a malformed version': async (api) => {
    const answer = await api.get(api.own('agents'), { query: { watch: 1, resourceVersion: 'x', timeoutSeconds: 5 } });
    expect(answer.status).toBe(500);
    expect(answer.body.message).toBe(
      'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
    );
  },
  'watches as tables': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    const answer = await api.get(api.own('agents'), {
      query: { watch: 1, timeoutSeconds: 5 },
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      differences: ['ages'],
    });
    expect(JSON.parse(answer.text.split('\n')[0] ?? '')).toMatchObject({ type: 'ADDED', object: { kind: 'Table' } });
  },
};
