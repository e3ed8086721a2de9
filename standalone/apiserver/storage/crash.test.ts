import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStore } from './object-store.ts';

const ROUNDS = 6;

interface Acknowledged {
  readonly revision: number;
  readonly counter: string;
}

describe('ObjectStore in a process that is killed', { timeout: 120_000 }, () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'tiangong-crash-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('has every acknowledged write after each of several kills, and goes on from there', async () => {
    const acknowledged = new Map<string, Acknowledged>();
    let last = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await writeUntilKilled(round, 200 + Math.floor(Math.random() * 1500), acknowledged);
      const store = await ObjectStore.open({ directory });
      try {
        for (const [key, { revision, counter }] of acknowledged) expectKept(store, key, revision, counter);
        expect(store.revision).toBeGreaterThanOrEqual(last);
        last = store.revision;
        expectHistory(store);
      } finally {
        await store.close();
      }
    }
    expect(acknowledged.size).toBeGreaterThan(10);
  });

  /** Kills the writer once it has acknowledged so many writes, wherever it is then. */
  async function writeUntilKilled(round: number, writes: number, into: Map<string, Acknowledged>): Promise<void> {
    const program = join(import.meta.dirname, 'crash-writer.ts');
    const child = spawn(process.execPath, [program, directory, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const [key, revision, counter] = line.split(' ');
      // The last line may have been cut in two.
      if (key === undefined || revision === undefined || !/^(deleted|\d+)$/.test(counter ?? '')) continue;
      into.set(key, { revision: Number(revision), counter: counter ?? '' });
      count += 1;
      if (count === writes) child.kill('SIGKILL');
    }
    await exited;
    expect(child.signalCode).toBe('SIGKILL');
  }
});

/** The object is the acknowledged one, or a later one whose acknowledgement the kill cut off. */
function expectKept(store: ObjectStore, key: string, revision: number, counter: string): void {
  const stored = store.get(key);
  if (stored === undefined || stored.revision < revision) {
    if (counter === 'deleted') return;
    const later = store.changesAfter(Math.max(revision, store.compactedRevision), key, `${key}\0`, 10_000);
    expect(later.at(-1)?.type, `${key} is gone, or older than revision ${revision}`).toBe('DELETED');
    return;
  }
  expect(stored.object.metadata.resourceVersion).toBe(String(stored.revision));
  if (stored.revision === revision)
    expect((stored.object as unknown as { counter: number }).counter).toBe(Number(counter));
}

/** History has no gap and no row without the one that it follows. */
function expectHistory(store: ObjectStore): void {
  const from = Math.max(store.compactedRevision, store.revision - 500);
  const changes = store.changesAfter(from, 'test.io/things/', 'test.io/things0', 10_000);
  for (const { type, current, previous } of changes) {
    expect(JSON.parse(current.text)).toMatchObject({ metadata: { resourceVersion: String(current.revision) } });
    if (type !== 'ADDED') expect(previous?.object.metadata.name).toBe(current.object.metadata.name);
  }
}
