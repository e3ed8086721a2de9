import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FaultyTransport } from '../test/kube/faulty-transport.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { KubeClient } from './client.ts';
import { EventRecorder } from './event-recorder.ts';
import type { EventRecorderOptions } from './event-recorder.ts';
import { events } from './event.ts';
import type { KubeEvent } from './event.ts';
import { HttpTransport } from './http-transport.ts';
import type { KubeObject } from './object.ts';
import { TimedOut } from './with-timeout.ts';

describe.skipIf(!hasCluster())('EventRecorder', () => {
  let cluster: SharedCluster;
  let transport: FaultyTransport;
  let errors: unknown[];
  let target: KubeObject;
  let made = 0;

  beforeAll(async () => {
    cluster = await sharedCluster();
  });

  beforeEach(() => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig());
    transport = new FaultyTransport(new HttpTransport(config));
    errors = [];
    made += 1;
    const metadata = { namespace: cluster.namespace, name: `task-${made}`, uid: `uid-${made}`, resourceVersion: '7' };
    target = { apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', metadata };
  });

  afterEach(async () => {
    await transport.close();
  });

  function recorder(options: Partial<EventRecorderOptions> = {}): EventRecorder {
    const onError = (err: unknown): unknown => errors.push(err);
    return new EventRecorder(new KubeClient(transport), {
      component: 'tiangong-test',
      instance: 'pod-1',
      onError,
      ...options,
    });
  }

  async function eventsOf(object: KubeObject): Promise<KubeEvent[]> {
    const fieldSelector = `involvedObject.uid=${object.metadata.uid}`;
    return (await cluster.client.list(events, cluster.namespace, { fieldSelector })).items;
  }

  it('writes an event that kubectl describe shows under its object', async () => {
    const recording = recorder();
    recording.record(target, 'Warning', 'AgentOffline', 'agent a is offline');
    await recording.flush();
    expect(errors).toEqual([]);
    const [event] = await eventsOf(target);
    expect(event).toMatchObject({
      involvedObject: {
        apiVersion: 'tiangong.io/v1alpha1',
        kind: 'DeployTask',
        name: target.metadata.name,
        uid: target.metadata.uid,
      },
      type: 'Warning',
      reason: 'AgentOffline',
      message: 'agent a is offline',
      count: 1,
      source: { component: 'tiangong-test', host: 'pod-1' },
    });
    expect(event?.firstTimestamp).toBe(event?.lastTimestamp);
  });

  it('counts the same reason on the same object in one event, with the last message', async () => {
    const recording = recorder();
    for (let time = 1; time <= 3; time += 1) {
      recording.record(target, 'Warning', 'AgentOffline', `try ${time}`);
      await recording.flush();
    }
    recording.record(target, 'Normal', 'Assigned', 'to agent b');
    await recording.flush();
    const found = await eventsOf(target);
    const shown = found.map(({ type, reason, count, message }) => ({ type, reason, count, message }));
    expect(shown).toHaveLength(2);
    expect(shown).toContainEqual({ type: 'Warning', reason: 'AgentOffline', count: 3, message: 'try 3' });
    expect(shown).toContainEqual({ type: 'Normal', reason: 'Assigned', count: 1, message: 'to agent b' });
  });

  it('gathers what is recorded during a write into one more write', async () => {
    const recording = recorder({ burst: 1000 });
    for (let time = 0; time < 500; time += 1) recording.record(target, 'Warning', 'Failed', `time ${time}`);
    await recording.flush();
    expect((await eventsOf(target))[0]).toMatchObject({ count: 500, message: 'time 499' });
    expect(transport.calls).toBe(2);
  });

  it('writes no more than the bucket of an object lets through, and not at the cost of other objects', async () => {
    const recording = recorder({ burst: 3 });
    const other = { ...target, metadata: { ...target.metadata, name: `other-${made}`, uid: `other-${made}` } };
    for (let time = 0; time < 50; time += 1) {
      recording.record(target, 'Warning', `Reason${time % 10}`, 'again');
      await recording.flush();
    }
    expect(transport.calls).toBe(3);
    recording.record(other, 'Warning', 'Reason0', 'once');
    await recording.flush();
    expect(transport.calls).toBe(4);
    expect(await eventsOf(other)).toHaveLength(1);
    expect(await eventsOf(target)).toHaveLength(3);
  });

  it('starts an event afresh that the server has forgotten', async () => {
    const recording = recorder();
    recording.record(target, 'Warning', 'Failed', 'first');
    await recording.flush();
    const [first] = await eventsOf(target);
    await cluster.client.delete(events, cluster.namespace, first!.metadata.name);
    recording.record(target, 'Warning', 'Failed', 'second');
    await recording.flush();
    expect(await eventsOf(target)).toEqual([expect.objectContaining({ message: 'second', count: 2 })]);
    expect(errors).toEqual([]);
  });

  it('cuts messages to what Kubernetes takes, between characters', async () => {
    const recording = recorder();
    recording.record(target, 'Warning', 'Failed', '日本語'.repeat(1000));
    await recording.flush();
    const [event] = await eventsOf(target);
    expect(Buffer.byteLength(event!.message)).toBeLessThan(1024);
    expect(event!.message).toMatch(/^(日本語)+[日本]*\.\.\.$/);
  });

  it('writes events of objects outside of namespaces, and of those with the longest names', async () => {
    const recording = recorder();
    const uid = `${cluster.namespace}-${made}`;
    const wide = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: cluster.namespace, uid } };
    const name = `${'a'.repeat(219)}.${'b'.repeat(33)}`;
    const long = { ...target, metadata: { ...target.metadata, name } };
    recording.record(wide, 'Normal', 'Seen', 'hello');
    recording.record(long, 'Normal', 'Seen', 'hello');
    await recording.flush();
    expect(errors).toEqual([]);
    const fieldSelector = `involvedObject.uid=${uid}`;
    expect((await cluster.client.list(events, 'default', { fieldSelector })).items).toHaveLength(1);
    expect(await eventsOf(long)).toHaveLength(1);
  });

  it('loses what cannot be written, says so once, and goes on', async () => {
    const recording = recorder();
    transport.fault = 'fail';
    recording.record(target, 'Warning', 'Failed', 'lost');
    await recording.flush();
    expect(errors).toEqual([new Error('the network is down')]);
    transport.fault = 'pass';
    recording.record(target, 'Warning', 'Failed', 'written');
    await recording.flush();
    expect(await eventsOf(target)).toEqual([expect.objectContaining({ message: 'written', count: 2 })]);
  });

  it('remembers a bounded number of objects, and lets as many wait, while the server hangs', async () => {
    const recording = recorder({ capacity: 5, timeoutMs: 3000 });
    transport.fault = 'hang';
    for (let index = 0; index < 1000; index += 1) {
      const metadata = { ...target.metadata, name: `many-${index}`, uid: `many-${made}` };
      recording.record({ ...target, metadata }, 'Warning', 'Failed', 'many');
    }
    expect(transport.calls).toBe(1);
    transport.fault = 'pass';
    await recording.flush();
    const uid = `many-${made}`;
    expect(await eventsOf({ ...target, metadata: { ...target.metadata, uid } })).toHaveLength(5);
    expect(errors).toEqual([new TimedOut('no answer within 3000 ms')]);
  });
});
