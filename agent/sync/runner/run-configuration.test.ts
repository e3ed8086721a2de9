import { describe, expect, it } from 'vitest';
import { isOutdated, pusherConfigOf, sourceConfigOf, startedWith } from './run-configuration.ts';
import type { RunConfiguration } from './run-configuration.ts';

const meta = (name: string, extra: object = {}): RunConfiguration['sync']['metadata'] => ({
  ...{ name, namespace: 'default', uid: `uid-of-${name}`, generation: 2, creationTimestamp: '2026-01-01T00:00:00Z' },
  ...extra,
});

const used: RunConfiguration = {
  sync: { metadata: meta('t'), spec: { source: 's', pusher: 'p', desiredState: 'Running', disabled: false } },
  source: { metadata: meta('s'), spec: { driver: 'fs', uri: '/data', id: 'Source One' } },
  pusher: { metadata: meta('p'), spec: { driver: 'openapi', endpoint: 'http://c', batch_size: 7, retry_delay_sec: 2 } },
};

type Kind = keyof RunConfiguration;

/** As it is seen when one object has changed. */
function seenWith(kind: Kind, metadata: object, spec: object = {}): RunConfiguration {
  const object = used[kind];
  return { ...used, [kind]: { metadata: { ...object.metadata, ...metadata }, spec: { ...object.spec, ...spec } } };
}

describe('isOutdated', () => {
  it('is so after any change of source or pusher, or of what the task carries', () => {
    expect(isOutdated(used, used)).toBe(false);
    expect(isOutdated(used, seenWith('source', { generation: 3 }))).toBe(true);
    expect(isOutdated(used, seenWith('pusher', { generation: 3 }))).toBe(true);
    expect(isOutdated(used, seenWith('sync', { generation: 3 }, { disabled: true }))).toBe(true);
    expect(isOutdated(used, seenWith('sync', { generation: 3 }, { fields_mapping: [] }))).toBe(true);
  });

  it('is not so after a start or stop, nor for copies that are older than what was read', () => {
    expect(isOutdated(used, seenWith('sync', { generation: 3 }, { desiredState: 'Stopped' }))).toBe(false);
    expect(isOutdated(used, seenWith('sync', { generation: 1 }, { disabled: true }))).toBe(false);
    expect(isOutdated(used, seenWith('source', { generation: 1 }))).toBe(false);
    const earlier = { uid: 'of-an-earlier-one', creationTimestamp: '2025-01-01T00:00:00Z' };
    expect(isOutdated(used, seenWith('source', earlier))).toBe(false);
    expect(isOutdated(used, { sync: undefined, source: undefined, pusher: undefined })).toBe(false);
  });

  it('is so when an object was replaced by another of its name', () => {
    const later = { uid: 'of-a-later-one', generation: 1, creationTimestamp: '2026-01-02T00:00:00Z' };
    expect(isOutdated(used, seenWith('pusher', later))).toBe(true);
  });
});

describe('the configuration of drivers', () => {
  it("is that of the objects, with the CRD's defaults", () => {
    expect(sourceConfigOf(used.source, undefined)).toEqual({
      ...{ id: 'Source One', driver: 'fs', uri: '/data', credential: undefined, driverParams: {} },
      ...{ maxQueueSize: 1000, maxRetries: 10, retryDelayMs: 5000 },
    });
    expect(pusherConfigOf(used.pusher, undefined)).toMatchObject({ id: 'p', batchSize: 7, retryDelayMs: 2000 });
    expect(startedWith(used, 4)).toMatchObject({
      ...{ epoch: 4, generation: 2, source: { uid: 'uid-of-s', generation: 2 } },
    });
  });
});
