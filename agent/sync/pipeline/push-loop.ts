import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Subscription } from '../event-bus.ts';
import type { SourcePosition, StreamEntry } from '../stream-entry.ts';
import type { SyncEvent } from '../sync-event.ts';
import type { CountingMapping } from './counting-mapping.ts';
import { isObsolete } from './live-session.ts';
import { messageBatch } from './message-batch.ts';
import type { MessageBatch } from './message-batch.ts';
import { failureOf } from './pipeline-failure.ts';
import type { PipelineTimes } from './pipeline-options.ts';
import type { PipelineStatus } from './pipeline-status.ts';
import type { Sender } from './sender.ts';
import type { SnapshotPart } from './snapshot-run.ts';
import type { Snapshots } from './snapshots.ts';
import type { Wake } from './wake.ts';

export interface PushLoopOptions {
  readonly sourceId: string;
  readonly batchSize: number;
  readonly subscription: Subscription;
  readonly sender: Sender;
  readonly mapping: CountingMapping;
  readonly snapshots: Snapshots;
  readonly status: PipelineStatus;
  readonly times: PipelineTimes;
  readonly stop: AbortSignal;
  /** Rings when a snapshot has something. */
  readonly wake: Wake;
  /** Everything up to here is the consumer's when the stream begins. */
  readonly startPosition: SourcePosition | undefined;
  /** Resolves when a checkpoint of this stream is durable, or the signal aborts; undefined: there is one from before. */
  readonly firstCheckpoint: ((signal: AbortSignal) => Promise<boolean>) | undefined;
}

const EMPTY: readonly StreamEntry[] = [];
/** What a consumer refuses of a snapshot ends the snapshot and not the messages. */
const REFUSED_ROWS: ReadonlySet<string> = new Set(['ConsumerRefused', 'AnswerInvalid']);

/** One push after the other: messages where there are any, else the next rows of a snapshot. */
export class PushLoop {
  readonly #o: PushLoopOptions;
  /** The read that is under way. */
  #pending: Promise<readonly StreamEntry[]> | undefined;
  /** The consumer has everything of the source up to here. */
  #position: SourcePosition | undefined;
  /** Behind all that was read; undefined inside a transaction. */
  #boundary: SourcePosition | undefined;
  #firstCheckpoint: PushLoopOptions['firstCheckpoint'];
  #triggerAt: number;
  /** Ends reads with the session, so that it is followed at once. */
  #readSignal: AbortSignal;

  constructor(options: PushLoopOptions) {
    this.#o = options;
    this.#readSignal = AbortSignal.any([options.stop, options.sender.live.signal]);
    this.#position = options.startPosition;
    this.#boundary = options.startPosition;
    this.#firstCheckpoint = options.firstCheckpoint;
    this.#triggerAt = performance.now() + options.times.triggerMs;
  }

  /** Ends when the signal aborts or the sender has ended. Rejects with what ends the stream or the pipeline. */
  async run(): Promise<void> {
    const { stop, sender } = this.#o;
    while (!stop.aborted && sender.end === undefined) {
      if (await sender.checkSession()) await this.#sessionFollowed();
      else await this.#turn();
    }
  }

  async #turn(): Promise<void> {
    const { sender, snapshots, status } = this.#o;
    const maySnapshot = sender.live.session.isLeader;
    if (maySnapshot) snapshots.prepare(this.#boundary);
    const ready = maySnapshot && snapshots.isReady(this.#position);
    const entries = await this.#read(ready);
    if (entries !== undefined && entries.length > 0) return this.#messages(entries);
    if (entries !== undefined) status.caughtUp();
    if (!sender.wasHeard && performance.now() >= this.#triggerAt) return this.#trigger();
    if (ready && !sender.live.signal.aborted && (await this.#mayBegin(EMPTY))) await this.#snapshot();
  }

  /** What the bus has; undefined when something else is to be done meanwhile. */
  async #read(ready: boolean): Promise<readonly StreamEntry[] | undefined> {
    const { sender, times, wake } = this.#o;
    const waitMs = sender.wasHeard ? times.idleMs : Math.max(0, this.#triggerAt - performance.now());
    const pending = (this.#pending ??= this.#newRead(ready ? 0 : waitMs));
    const entries = await Promise.race([pending, ready ? nextTurn(undefined) : wake.wait().then(() => undefined)]);
    if (entries !== undefined) this.#pending = undefined;
    return entries;
  }

  #newRead(waitMs: number): Promise<readonly StreamEntry[]> {
    const { batchSize, subscription } = this.#o;
    const signal = this.#readSignal;
    const read = subscription.read(batchSize, waitMs, signal).catch((err: unknown) => {
      if (signal.aborted) return EMPTY;
      throw err;
    });
    // It may fail while rows of a snapshot are sent; whoever waits for it next is told.
    read.catch(() => undefined);
    return read;
  }

  async #messages(entries: readonly StreamEntry[]): Promise<void> {
    const { mapping, sender, snapshots } = this.#o;
    snapshots.record(entries);
    const batch = messageBatch(entries, mapping, sender.sentIndex);
    if (batch.events.length > 0 && !(await this.#push(entries, batch))) return;
    mapping.settle(true);
    this.#commit(entries, batch);
  }

  /** Whether the consumer has them. */
  async #push(entries: readonly StreamEntry[], { events, rows }: MessageBatch): Promise<boolean> {
    const { mapping, sender, snapshots, subscription } = this.#o;
    if (!(await this.#mayBegin(entries))) {
      mapping.settle(false);
      subscription.rewind();
      return false;
    }
    const answer = await sender.send({ sourceType: 'message', events, isSnapshotEnd: false }, rows);
    if (answer instanceof Error) {
      await this.#again(answer);
      return false;
    }
    if (answer.snapshotNeeded) snapshots.request('ConsumerRequest');
    return true;
  }

  #commit(entries: readonly StreamEntry[], { events }: MessageBatch): void {
    const { sender, status, subscription } = this.#o;
    const before = sender.sentIndex;
    const last = entries.at(-1);
    if (last === undefined) return;
    const sent = events.at(-1)?.index;
    if (sent !== undefined) {
      sender.acknowledged(sent);
      status.sent(sent);
    }
    if (last.committedMs !== undefined) status.lags(Math.max(0, Date.now() - last.committedMs));
    const end = entries.findLast(({ position }) => position !== undefined);
    if (end?.position !== undefined) {
      const isFirst = this.#position === undefined;
      this.#position = end.position;
      const sentIndex = events.findLast(({ index }) => index <= end.index)?.index ?? Math.min(before, end.index);
      status.moved({ index: end.index, sentIndex, position: end.position, at: Date.now() });
      // Until this is on record, a crash would let what happens from here on be missed.
      if (isFirst) status.touch();
    }
    this.#boundary = last.position;
    subscription.commit(last);
  }

  /**
   * Nothing is sent before it is on record where the stream began. Else the next pipeline would begin later after a crash, and what
   * happened in between to rows that the consumer got from this one would be missed. Resolves to false when it must not be sent.
   */
  async #mayBegin(entries: readonly StreamEntry[]): Promise<boolean> {
    const wait = this.#firstCheckpoint;
    if (wait === undefined) return true;
    const lead = entries.slice(
      0,
      Math.max(
        0,
        entries.findIndex(({ event }) => event !== undefined),
      ),
    );
    if (lead.length > 0) this.#commit(lead, { events: [], rows: 0 });
    // A source that has not said where it stands cannot be asked to begin there.
    if (this.#position === undefined) return true;
    if (!(await wait(this.#readSignal))) return false;
    this.#firstCheckpoint = undefined;
    return true;
  }

  /** A push failed: what was read is read again, for a source may know better by then. */
  async #again(err: Error): Promise<void> {
    const { mapping, sender, subscription } = this.#o;
    mapping.settle(false);
    if (this.#pending === undefined) subscription.rewind();
    const { live } = sender;
    await sender.recover(err);
    if (sender.live !== live) await this.#sessionFollowed();
  }

  async #sessionFollowed(): Promise<void> {
    const { sender, stop, subscription, times } = this.#o;
    // Its signal has aborted with the session before; an error comes again with the next read.
    await this.#pending?.catch(() => undefined);
    this.#pending = undefined;
    this.#readSignal = AbortSignal.any([stop, sender.live.signal]);
    this.#triggerAt = performance.now() + times.triggerMs;
    subscription.rewind();
  }

  /** Lets a consumer that nothing is sent to ask for a snapshot (facts §1.5). */
  async #trigger(): Promise<void> {
    const { sender, snapshots, sourceId } = this.#o;
    const event: SyncEvent = {
      event_type: 'update',
      fields: [],
      rows: [],
      index: -1,
      event_schema: sourceId,
      table: 'initial_trigger',
    };
    const answer = await sender.send({ sourceType: 'message', events: [event], isSnapshotEnd: false }, 0);
    if (answer instanceof Error) return this.#again(answer);
    // It cannot know of one that it has just been given.
    if (answer.snapshotNeeded && !snapshots.hasBegunSince(sender.live.openedAt)) snapshots.request('ConsumerRequest');
  }

  async #snapshot(): Promise<void> {
    const { snapshots, batchSize } = this.#o;
    const step = snapshots.step(this.#position, batchSize);
    if (step.kind === 'Part') return this.#part(step.part);
    if (step.kind === 'Failed') return snapshots.failed(step.failure);
    if (step.kind === 'End' && (await this.#pushSnapshot([], true, 0))) snapshots.succeeded();
  }

  async #part(part: SnapshotPart): Promise<void> {
    const { mapping, sender, snapshots } = this.#o;
    const { event_schema, table, fields } = part.chunk;
    const event: SyncEvent | undefined =
      part.rows.length === 0
        ? undefined
        : mapping.apply({
            event_type: 'insert',
            fields,
            rows: part.rows,
            index: sender.sentIndex,
            event_schema,
            table,
          });
    if (event !== undefined && !(await this.#pushSnapshot([event], false, event.rows.length))) return;
    mapping.settle(true);
    snapshots.acknowledge(part, event?.rows.length ?? 0);
  }

  /** Whether the consumer has it. What it answers to a snapshot is no request. */
  async #pushSnapshot(events: readonly SyncEvent[], isSnapshotEnd: boolean, rows: number): Promise<boolean> {
    const { mapping, sender, snapshots } = this.#o;
    const answer = await sender.send({ sourceType: 'snapshot', events, isSnapshotEnd }, rows);
    if (!(answer instanceof Error)) return true;
    mapping.settle(false);
    // The session may be over, or the snapshot alone is not wanted (facts §1.7).
    if (isObsolete(answer) && (await sender.isCurrent())) snapshots.obsolete();
    else if (REFUSED_ROWS.has(failureOf(answer).reason) && !sender.isOver(answer)) snapshots.failed(failureOf(answer));
    else {
      snapshots.readAgain();
      const { live } = sender;
      await sender.recover(answer);
      if (sender.live !== live) await this.#sessionFollowed();
    }
    return false;
  }
}
