import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../kube/resource.ts';
import { AgentLiveness } from './agent-liveness.ts';

/** The number of the renewal makes each renewTime another one. */
const lease = (renewal: number, holder = 'i1', renewedAt = 0): Lease => ({
  metadata: { name: 'a1', namespace: 'default' },
  spec: { holderIdentity: holder, renewTime: new Date(renewedAt + renewal).toISOString(), leaseDurationSeconds: 25 },
});

/** An API server that holds one Lease, and the time. */
class Scene {
  nowMs = 1_000_000;
  reachable = true;
  lastContactAt = this.nowMs;
  lease: Lease | undefined;
  readonly changes: string[] = [];
  reads = 0;
  readonly liveness = new AgentLiveness({
    clock: () => this.nowMs,
    wallClock: () => 0,
    lastContactAt: () => this.lastContactAt,
    read: async () => {
      this.reads += 1;
      if (!this.reachable) throw new Error('no answer');
      return this.lease;
    },
    onChange: (name) => this.changes.push(name),
  });

  /** The agent renews, and the informer shows it if it can. */
  renew(renewal: number, holder?: string): void {
    this.lease = { ...lease(renewal, holder) };
    this.show();
  }

  show(): void {
    if (!this.reachable) return;
    this.lastContactAt = this.nowMs;
    this.liveness.observe('a1', this.lease);
  }

  /** Time passes, with a check every two seconds. */
  async pass(seconds: number): Promise<void> {
    const end = this.nowMs + seconds * 1000;
    while (this.nowMs < end) {
      this.nowMs = Math.min(end, this.nowMs + 2000);
      await this.liveness.check().catch(() => undefined);
    }
  }

  get state(): string {
    const { online, released, lost } = this.liveness.presence('a1');
    return [online && 'online', released && 'released', lost && 'lost'].filter(Boolean).join(' ') || 'quiet';
  }
}

describe('AgentLiveness', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });

  it('takes an agent that renews its Lease for online', async () => {
    for (let renewal = 1; renewal <= 20; renewal += 1) {
      scene.renew(renewal);
      await scene.pass(5);
      expect(scene.state).toBe('online');
    }
    expect(scene.changes).toHaveLength(1);
    expect(scene.reads).toBe(0);
  });

  it('gives a silent agent nothing new after 15 s and gives it up after 25 s, once each', async () => {
    scene.renew(1);
    await scene.pass(14);
    expect(scene.state).toBe('online');
    await scene.pass(4);
    expect(scene.state).toBe('quiet');
    await scene.pass(6);
    expect(scene.state).toBe('quiet');
    await scene.pass(4);
    expect(scene.state).toBe('lost');
    await scene.pass(60);
    expect(scene.changes).toHaveLength(3);
  });

  it('begins anew with an agent that it has forgotten', async () => {
    scene.renew(1);
    await scene.pass(40);
    expect(scene.state).toBe('lost');
    scene.liveness.forget('a1');
    expect(scene.state).toBe('quiet');
    await scene.pass(40);
    expect(scene.state).toBe('lost');
  });

  it('takes an agent back that renews again', async () => {
    scene.renew(1);
    await scene.pass(40);
    expect(scene.state).toBe('lost');
    scene.renew(2);
    expect(scene.state).toBe('online');
  });

  it('reads the Lease itself before it gives an agent up: the watch may hang', async () => {
    scene.renew(1);
    await scene.pass(20);
    scene.lease = lease(2);
    await scene.pass(8);
    expect(scene.state).toBe('online');
  });

  it('does not count silence while it cannot read, and gives a full duration afresh after that', async () => {
    scene.renew(1);
    await scene.pass(10);
    scene.reachable = false;
    await scene.pass(300);
    expect(scene.state).not.toBe('lost');
    scene.reachable = true;
    await scene.pass(24);
    expect(scene.state).not.toBe('lost');
    await scene.pass(6);
    expect(scene.state).toBe('lost');
  });

  it('gives a full duration afresh after it was itself stopped for a while', async () => {
    scene.renew(1);
    await scene.pass(2);
    scene.nowMs += 600_000;
    await scene.pass(20);
    expect(scene.state).not.toBe('lost');
    await scene.pass(10);
    expect(scene.state).toBe('lost');
  });

  it('knows at once that a Lease was released', async () => {
    scene.renew(1);
    scene.renew(2, '');
    expect(scene.state).toBe('released');
    expect(scene.changes).toHaveLength(2);
    await scene.pass(30);
    expect(scene.state).toBe('released lost');
  });

  it('gives an agent up whose Lease was deleted, a duration after the last renewal', async () => {
    scene.renew(1);
    await scene.pass(10);
    scene.lease = undefined;
    scene.show();
    expect(scene.state).toBe('quiet');
    await scene.pass(12);
    expect(scene.state).toBe('quiet');
    await scene.pass(6);
    expect(scene.state).toBe('lost');
  });

  it('gives an agent a full duration to show up of which nothing was ever seen', async () => {
    expect(scene.state).toBe('quiet');
    await scene.pass(22);
    expect(scene.state).toBe('quiet');
    await scene.pass(6);
    expect(scene.state).toBe('lost');
  });

  it('does not believe an old Lease that it finds, until it sees it renewed', () => {
    scene.lease = lease(1, 'i1', -60_000);
    scene.show();
    expect(scene.state).toBe('quiet');
    scene.renew(2);
    expect(scene.state).toBe('online');
  });

  it('tells of a new process at once', () => {
    scene.renew(1);
    scene.renew(2, 'i2');
    expect(scene.liveness.presence('a1')).toMatchObject({ online: true, instance: 'i2' });
    expect(scene.changes).toHaveLength(2);
  });

  it('never gives an agent up that has renewed within its duration, whatever happens to the connection', async () => {
    const step = fc.record({
      seconds: fc.integer({ min: 0, max: 12 }),
      reachable: fc.boolean(),
      renews: fc.boolean(),
      watchWorks: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const one = new Scene();
        one.renew(0);
        let renewedAt = one.nowMs;
        let renewal = 0;
        for (const { seconds, reachable, renews, watchWorks } of steps) {
          const wasLost = one.state === 'lost';
          one.reachable = reachable;
          // An agent reaches the server when the operator does.
          if (renews && reachable) {
            renewal += 1;
            one.lease = lease(renewal);
            renewedAt = one.nowMs;
            if (watchWorks) one.show();
          }
          await one.pass(seconds);
          if (!wasLost && one.nowMs - renewedAt < 25_000) expect(one.state).not.toBe('lost');
        }
        one.reachable = true;
        await one.pass(60);
        expect(one.state).toBe('lost');
      }),
      { numRuns: 300 },
    );
  });
});
