import { shapeFault } from './envelope.ts';
import type { Envelope, WireEvent } from './envelope.ts';
import { Faults } from './faults.ts';
import type { Fault } from './faults.ts';
import type { RowKeyOptions } from './row-key.ts';
import { Sessions } from './sessions.ts';
import { Sink } from './sink.ts';
import type { SinkChange } from './sink.ts';
import { SinkLog } from './sink-log.ts';

export interface ConsumerOptions extends RowKeyOptions {
  /** Where positions and rows are kept, so that they outlive the process; unset: in memory. */
  readonly file?: string;
  /** The login that every call must show; unset: none. */
  readonly auth?: { readonly apiKey: string } | { readonly user: string; readonly passwd: string };
  /** Of a session without heartbeats and pushes; 30 unless set. */
  readonly sessionTimeoutSeconds?: number;
  /** What it suggests; 10 unless set. */
  readonly heartbeatSeconds?: number;
  /** `all` keeps every push, up to a bound; `counts` only counts them and applies them; `nothing` does not even apply them. */
  readonly record?: 'all' | 'counts' | 'nothing';
  /** Its description, as `openapi.json` serves it; unset: one with all of the extension keys. */
  readonly document?: unknown;
  /** The schema of the rows that its description asks for, as OpenAPI has it; unset: any object. */
  readonly rowSchema?: unknown;
  /** Of fusion: sessions beside the first become followers instead of being refused. */
  readonly roles?: boolean;
}

/** A push as it came. */
export interface RecordedPush {
  /** When it had come whole, in epoch milliseconds with fractions. */
  readonly at: number;
  readonly envelope: Envelope;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ControlCommand {
  /** How many of the next answers to message pushes ask for a snapshot; `always`: those to all pushes. */
  readonly snapshotNeeded?: number | 'always';
  readonly faults?: readonly Fault[];
  /** Forgets the faults that are still to come. */
  readonly clearFaults?: boolean;
  readonly sessionTimeoutSeconds?: number;
}

export interface ConsumerCounts {
  sessions: number;
  heartbeats: number;
  messagePushes: number;
  messageEvents: number;
  messageRows: number;
  snapshotPushes: number;
  snapshotRows: number;
  snapshotEnds: number;
  initialTriggers: number;
}

/** Status and JSON body of an answer. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const MAX_RECORDED = 100_000;
const REFUSED = {
  superseded: 'A newer sync session has been started. This snapshot task is now obsolete and should stop.',
  expired: 'The session has expired.',
  unknown: 'There is no such session.',
} as const;

/** What a consumer does, whatever paths and forms it has over HTTP. */
export class ConsumerCore {
  readonly faults = new Faults();
  readonly sessions: Sessions;
  readonly sink: Sink;
  readonly pushes: RecordedPush[] = [];
  readonly counts: ConsumerCounts = {
    sessions: 0,
    heartbeats: 0,
    messagePushes: 0,
    messageEvents: 0,
    messageRows: 0,
    snapshotPushes: 0,
    snapshotRows: 0,
    snapshotEnds: 0,
    initialTriggers: 0,
  };
  readonly options: ConsumerOptions;
  readonly #log: SinkLog | undefined;
  #snapshotNeeded: number | 'always' = 0;

  constructor(options: ConsumerOptions) {
    this.options = options;
    this.sink = new Sink(options);
    this.sessions = new Sessions(options.sessionTimeoutSeconds ?? 30);
    if (options.file !== undefined) this.#log = new SinkLog(options.file, this.sink);
  }

  control(command: ControlCommand): void {
    if (command.clearFaults === true) this.faults.clear();
    if (command.faults !== undefined) this.faults.add(command.faults);
    if (command.snapshotNeeded !== undefined) this.#snapshotNeeded = command.snapshotNeeded;
    if (command.sessionTimeoutSeconds !== undefined) this.sessions.timeoutSeconds = command.sessionTimeoutSeconds;
  }

  openSession(taskId: unknown): Answer {
    if (typeof taskId !== 'string' || taskId === '') return { status: 422, body: { detail: 'task_id is missing' } };
    this.counts.sessions += 1;
    return {
      status: 200,
      body: {
        session_id: this.sessions.open(taskId).id,
        suggested_heartbeat_interval_seconds: this.options.heartbeatSeconds ?? 10,
        session_timeout_seconds: this.sessions.timeoutSeconds,
      },
    };
  }

  /** The task of a session, or what its call is answered with. */
  taskOf(sessionId: string): string | Answer {
    const session = this.sessions.use(sessionId);
    return typeof session === 'string' ? { status: 419, body: { detail: REFUSED[session] } } : session.taskId;
  }

  /** 404 when it has nothing of the task. */
  position(sessionId: string): Answer {
    const task = this.taskOf(sessionId);
    if (typeof task !== 'string') return task;
    const position = this.sink.tasks.get(task)?.position ?? -1;
    return position === -1
      ? { status: 404, body: { detail: 'no position is known' } }
      : { status: 200, body: { index: position } };
  }

  heartbeat(sessionId: string): Answer {
    const task = this.taskOf(sessionId);
    if (typeof task !== 'string') return task;
    this.counts.heartbeats += 1;
    return { status: 200, body: { status: 'ok' } };
  }

  push(body: unknown, headers: RecordedPush['headers']): Answer {
    const fault = shapeFault(body);
    if (fault !== undefined) {
      this.#keep(this.sink.violate(fault));
      return { status: 422, body: { detail: fault } };
    }
    const push = body as Envelope;
    const task = this.taskOf(push.session_id);
    if (typeof task !== 'string') return task;
    if (push.task_id !== task)
      this.#keep(this.sink.violate(`a push of ${push.task_id} came in the session of ${task}`));
    this.#note(push, headers);
    if (this.options.record !== 'nothing') this.#keep(this.sink.apply(task, push));
    return { status: 200, body: { snapshot_needed: this.#asksForSnapshot(push) } };
  }

  violate(violation: string): void {
    this.#keep(this.sink.violate(violation));
  }

  close(): void {
    this.#log?.close();
  }

  /** Before the answer: what was acknowledged must be there after a kill. */
  #keep(changes: readonly SinkChange[]): void {
    this.#log?.append(changes);
  }

  #note(push: Envelope, headers: RecordedPush['headers']): void {
    const rows = push.events.reduce((sum, event) => sum + event.rows.length, 0);
    if (push.source_type === 'snapshot') {
      this.counts.snapshotPushes += 1;
      this.counts.snapshotRows += rows;
      if (push.is_snapshot_end) this.counts.snapshotEnds += 1;
    } else {
      this.counts.messagePushes += 1;
      this.counts.messageRows += rows;
      const triggers = push.events.filter(({ table }) => table === 'initial_trigger').length;
      this.counts.initialTriggers += triggers;
      this.counts.messageEvents += push.events.length - triggers;
      const unordered = firstUnordered(push.events);
      if (unordered !== undefined)
        this.violate(`index ${unordered.index} of ${unordered.table} does not grow within its push`);
    }
    if ((this.options.record ?? 'all') !== 'all' || this.pushes.length >= MAX_RECORDED) return;
    this.pushes.push({ at: performance.timeOrigin + performance.now(), envelope: push, headers });
  }

  #asksForSnapshot(push: Envelope): boolean {
    if (this.#snapshotNeeded === 'always') return true;
    if (push.source_type === 'snapshot' || this.#snapshotNeeded === 0) return false;
    this.#snapshotNeeded -= 1;
    return true;
  }
}

const firstUnordered = (events: readonly WireEvent[]): WireEvent | undefined =>
  events.find((event, at) => at > 0 && event.index <= events[at - 1]!.index);
