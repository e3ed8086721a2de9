import type { Answer, ConsumerCore } from './consumer-core.ts';
import type { Route } from './routes.ts';

const BASE = '/ingestor-api/v1';

/** The consumer as Fusion has it (facts §1.8): one session at a time, and no answer to pushes. */
export const fusionRoutes: ReadonlyMap<string, Route> = new Map([
  [
    `POST ${BASE}/sessions/`,
    {
      kind: 'session',
      answer: (core, { body }) => openSession(core, (body as { task_id?: unknown } | undefined)?.task_id),
    },
  ],
  [
    `POST ${BASE}/sessions/heartbeat`,
    {
      kind: 'heartbeat',
      answer: (core, { headers }) => {
        const id = String(headers['session-id']);
        const answer = core.heartbeat(id);
        if (answer.status !== 200) return answer;
        return {
          status: 200,
          body: { status: 'ok', message: `Session ${id} heartbeat updated successfully`, ...roleOf(core, id) },
        };
      },
    },
  ],
  [
    `DELETE ${BASE}/sessions/`,
    {
      kind: 'close',
      answer: (core, { headers }) => {
        core.sessions.close(String(headers['session-id']));
        return { status: 200, body: { status: 'ok' } };
      },
    },
  ],
  [
    `GET ${BASE}/events/position`,
    { kind: 'position', answer: (core, { query }) => core.position(query.get('session_id') ?? '') },
  ],
  [
    `POST ${BASE}/events/`,
    {
      kind: 'push',
      answer: (core, { body, headers }) => {
        const answer = core.push(body, headers);
        return answer.status === 200 ? { status: 204 } : answer;
      },
    },
  ],
] satisfies [string, Route][]);

function openSession(core: ConsumerCore, taskId: unknown): Answer {
  if (core.options.roles !== true && core.sessions.active().length > 0)
    return { status: 409, body: { detail: 'New session cannot be created due to current active sessions' } };
  const answer = core.openSession(taskId);
  if (answer.status !== 200) return answer;
  const body = answer.body as { readonly session_id: string };
  const timeout = core.sessions.timeoutSeconds;
  const suggested = core.options.heartbeatSeconds ?? Math.max(1, Math.floor(timeout / 2));
  return {
    status: 200,
    body: { ...body, suggested_heartbeat_interval_seconds: suggested, ...roleOf(core, body.session_id) },
  };
}

/** The oldest session that is active leads. */
function roleOf(core: ConsumerCore, id: string): { readonly role?: string; readonly is_leader?: boolean } {
  if (core.options.roles !== true) return {};
  const isLeader = core.sessions.active()[0]?.id === id;
  return { role: isLeader ? 'leader' : 'follower', is_leader: isLeader };
}
