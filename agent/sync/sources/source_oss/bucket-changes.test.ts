import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IndexClock } from '../../bus/index-clock.ts';
import { PositionLostError } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { BucketChanges } from './bucket-changes.ts';
import { ObjectIndex } from './object-index.ts';

type Objects = Map<string, number>;

const listed = (objects: Objects): { key: string; etag: string; size: number; modified: number }[] =>
  [...objects]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, version]) => ({ key, etag: String(version), size: version, modified: 0 }));

/** One consumer, and an agent that may die at any time. */
class World {
  readonly bucket: Objects = new Map();
  readonly consumer: Objects = new Map();
  readonly file: string;
  checkpoint: { index: number; position: SourcePosition } | undefined;
  #index: ObjectIndex;
  #changes: BucketChanges;
  #sent: StreamEntry[] = [];
  #version = 0;

  constructor(folder: string) {
    this.file = join(folder, 'objects.sqlite');
    this.#index = ObjectIndex.create(this.file, 'place', -1);
    this.#changes = new BucketChanges(this.#index, new IndexClock(-1), 'b');
    const { index, position = {} } = this.#changes.moved();
    this.checkpoint = { index, position };
  }

  put(key: string): void {
    this.bucket.set(key, (this.#version += 1));
  }

  list(): void {
    const objects = listed(this.bucket);
    const half = objects[Math.floor(objects.length / 2)]?.key;
    const ranges =
      half === undefined
        ? [{ after: '', upTo: undefined, objects }]
        : [
            { after: '', upTo: half, objects: objects.slice(0, Math.floor(objects.length / 2) + 1) },
            { after: half, upTo: undefined, objects: objects.slice(Math.floor(objects.length / 2) + 1) },
          ];
    for (const range of ranges) this.#sent.push(...this.#changes.differences(range).entries);
  }

  /** The consumer gets some of what waits. */
  push(count: number): void {
    for (const { index, event, position = {} } of this.#sent.splice(0, count)) {
      for (const row of event?.rows ?? []) {
        const key = String(row['file_path']);
        if (event?.event_type === 'delete') this.consumer.delete(key);
        else this.consumer.set(key, Number(row['size']));
      }
      this.checkpoint = { index, position };
    }
  }

  /** The consumer gets all from a snapshot that nothing was left to wait for. */
  snapshot(): void {
    this.push(Infinity);
    this.#changes.show([...this.bucket.keys()]);
    for (const [of, version] of this.bucket) this.consumer.set(of, version);
  }

  release(): void {
    this.#changes.settle(Number(this.checkpoint?.position['at']));
  }

  restart(): void {
    this.#index.close();
    this.#sent = [];
    const { index = -1, position = {} } = this.checkpoint ?? {};
    this.#index = ObjectIndex.open(this.file, 'place', position);
    this.#changes = new BucketChanges(this.#index, new IndexClock(index), 'b');
  }

  close(): void {
    this.#index.close();
  }
}

const key = fc.constantFrom('a', 'a/b', 'b', 'é', '\u{1F600}', '\uFFEE');
const operation = fc.oneof(
  fc.record({ op: fc.constant('put' as const), key }),
  fc.record({ op: fc.constant('delete' as const), key }),
  fc.record({ op: fc.constant('push' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ op: fc.constantFrom('list' as const, 'release' as const, 'restart' as const, 'snapshot' as const) }),
);

describe('BucketChanges', () => {
  it('lets a consumer end with what the bucket has, however often the agent dies', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiangong-oss-test-'));
    try {
      fc.assert(
        fc.property(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) => {
          const world = new World(folder);
          for (const one of operations)
            if (one.op === 'put') world.put(one.key);
            else if (one.op === 'delete') world.bucket.delete(one.key);
            else if (one.op === 'push') world.push(one.count);
            else world[one.op]();
          world.restart();
          world.list();
          world.push(Infinity);
          expect(listed(world.consumer)).toEqual(listed(world.bucket));
          world.release();
          world.list();
          world.restart();
          world.list();
          const before = world.checkpoint;
          world.push(Infinity);
          expect(world.checkpoint).toBe(before);
          world.close();
        }),
        { numRuns: 60 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);

  it('is lost when the consumer was put back, or the index is another', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiangong-oss-test-'));
    const world = new World(folder);
    const before = world.checkpoint;
    world.put('a');
    world.list();
    world.push(1);
    world.release();
    world.close();
    const position = before?.position ?? {};
    for (const [place, wrong] of [
      ['place', position],
      ['place', { ...world.checkpoint?.position, objects: 'other' }],
      ['elsewhere', world.checkpoint?.position ?? {}],
    ] as const)
      expect(() => ObjectIndex.open(world.file, place, wrong)).toThrow(PositionLostError);
    rmSync(folder, { recursive: true, force: true });
    expect(() => ObjectIndex.open(world.file, 'place', position)).toThrow(PositionLostError);
  });

  it('looks at the first of very many that are gone, and says how far it got', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiangong-oss-test-'));
    const index = ObjectIndex.create(join(folder, 'objects.sqlite'), 'place', -1);
    const changes = new BucketChanges(index, new IndexClock(-1), 'b');
    const all: Objects = new Map(Array.from({ length: 12_000 }, (_, i) => [String(i).padStart(5, '0'), 1]));
    changes.passOver({ after: '', upTo: undefined, objects: listed(all) });
    const objects = listed(new Map([['11999', 2]]));
    const first = changes.differences({ after: '', upTo: undefined, objects });
    expect([first.entries.length, first.upTo]).toEqual([10_000, '09999']);
    const second = changes.differences({ after: '09999', upTo: undefined, objects });
    expect([second.entries.length, second.upTo]).toEqual([2000, undefined]);
    index.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
