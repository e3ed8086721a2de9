// What `helm test` runs: asks the REST API, as the ServiceAccount of its pod, to run a task on an agent that is online, and
// waits until it has succeeded. Ends with 1 when that is not so in time.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { TIANGONG_API_URL: url, TIMEOUT_SECONDS: seconds } = process.env;
const deadline = Date.now() + Number(seconds) * 1000;
const COMMAND = 'echo tasks are run';

async function call(method, path, body) {
  const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8').trim();
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

// Tries again until the deadline: after an install, servers and agents are still starting.
async function until(what, attempt) {
  for (;;) {
    let reason = 'not yet';
    try {
      const found = await attempt();
      if (found !== undefined) return found;
    } catch (err) {
      reason = err.cause ? `${err.message}: ${err.cause.message}` : err.message;
    }
    if (Date.now() > deadline) throw new Error(`${what}: ${reason}`);
    await sleep(1000);
  }
}

try {
  const agent = await until('no agent is online', async () =>
    (await call('GET', '/api/v1/agents')).find(({ status }) => status === 'online'),
  );
  console.log(`agent ${agent.id} is online`);
  const body = { agent_id: agent.id, type: 'shell', command: COMMAND };
  const { id } = await until('no task could be made', () => call('POST', '/api/v1/tasks', body));
  const task = await until(`task ${id} has not ended`, async () => {
    const now = await call('GET', `/api/v1/tasks/${id}`);
    return ['pending', 'running'].includes(now.status) ? undefined : now;
  });
  console.log(`task ${id}: ${task.status}: ${task.error || task.result.trim()}`);
  if (task.status !== 'success') process.exitCode = 1;
  else await call('DELETE', `/api/v1/tasks/${id}`);
} catch (err) {
  console.error(err.message);
  process.exitCode = 1;
}
