import { PusherError } from '../../pusher.ts';
import type { PushAnswer, PushBatch } from '../../pusher.ts';

/** In milliseconds (facts §1.8). */
export const TIMEOUTS = { session: 10_000, position: 10_000, push: 30_000, heartbeat: 5000, document: 10_000 } as const;

const DEFAULT_HEARTBEAT_SECONDS = 10;

/** Names a task to both readings of the protocol: some consumers know sessions, others agents and tasks. */
export interface WireNames extends Readonly<Record<string, string>> {
  readonly session_id: string;
  readonly agent_id: string;
  readonly task_id: string;
}

/** `taskId`: `<agent id>:<sync id>`. */
export const wireNames = (sessionId: string, taskId: string): WireNames => ({
  session_id: sessionId,
  agent_id: taskId.split(':', 1)[0] ?? taskId,
  task_id: taskId,
});

/** Names a task in a header, where not all that an id may have may stand: percent-encoded, as in a URL. */
export const taskHeader = (taskId: string): Readonly<Record<string, string>> => ({
  'task-id': encodeURI(taskId.toWellFormed()),
});

/** The envelope of a push, which satisfies both readings of the protocol (facts §1.8). */
export function pushBody(names: WireNames, { sourceType, events, isSnapshotEnd }: PushBatch): string {
  return JSON.stringify({
    ...names,
    source_type: sourceType,
    is_snapshot_end: isSnapshotEnd,
    snapshot_sync_suggested: false,
    events,
  });
}

/** No JSON is an answer without wishes. */
export function readPushAnswer(text: string): PushAnswer {
  return { snapshotNeeded: object(text)?.['snapshot_needed'] === true };
}

export interface OpenedSession {
  readonly id: string;
  readonly heartbeatIntervalMs: number;
  readonly timeoutMs: number | undefined;
  readonly isLeader: boolean;
}

/** What a consumer says of a new session. Throws a `PusherError`. */
export function readSession(text: string): OpenedSession {
  const answer = object(text) ?? {};
  const id = answer['session_id'];
  if ((typeof id !== 'string' && typeof id !== 'number') || id === '')
    throw invalidAnswer('the answer to the opening of a session has no session_id');
  const timeout = seconds(answer['session_timeout_seconds']);
  const suggested = seconds(answer['suggested_heartbeat_interval_seconds']) ?? DEFAULT_HEARTBEAT_SECONDS;
  // Two heartbeats must fit into the time after which the session ends.
  const interval = timeout === undefined ? suggested : Math.min(suggested, timeout / 2);
  return {
    id: String(id),
    heartbeatIntervalMs: interval * 1000,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    isLeader: readRole(text) ?? true,
  };
}

/** Whether a session leads; undefined when the answer does not say. */
export function readRole(text: string): boolean | undefined {
  const { role, is_leader: isLeader } = object(text) ?? {};
  if (typeof isLeader === 'boolean') return isLeader;
  return role === 'leader' ? true : role === 'follower' ? false : undefined;
}

/** An integer or `{"index": integer}`; 0 and null mean that nothing is known, as −1 does. Throws a `PusherError`. */
export function readPosition(text: string): number {
  const answer = json(text);
  // What it is instead is not told: it may hold what was sent to it, such as the login.
  const index = typeof answer === 'object' && answer !== null ? (answer as { index?: unknown }).index : answer;
  if (index === null) return -1;
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < -1)
    throw invalidAnswer(
      `the answer to the question for the position is no index (${typeof index}, ${text.length} characters): ` +
        'an integer from -1 to 2^53 - 1, or an object with such an index, was expected',
    );
  return index === 0 ? -1 : index;
}

export function invalidAnswer(message: string): PusherError {
  return new PusherError('AnswerInvalid', message, { retryable: true });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function object(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = json(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A sensible number of seconds: at least a fifth of one, at most a day. */
function seconds(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? Math.min(Math.max(value, 0.2), 86_400) : undefined;
}
