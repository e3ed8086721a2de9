/**
 * Starts programs for the agent (docs/adr/0010). Requests come on standard input, one JSON object a line; what became of
 * them goes to standard output. Their own output goes straight to the agent. Ends when the agent does.
 */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { SpawnEvent, SpawnRequest } from './spawn-messages.ts';

const tell = (event: SpawnEvent): void => void process.stdout.write(`${JSON.stringify(event)}\n`);

/** A connection to the agent. When the agent is gone it fails, so nothing is started that nobody watches. */
function open(path: string, token: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.write(`${token}\n`, (err) => {
      if (err) reject(err);
      else resolve(socket);
    });
  });
}

async function start({
  id,
  file,
  args,
  cwd,
  env,
  stdin,
  socket,
  stdoutToken,
  stderrToken,
}: SpawnRequest): Promise<void> {
  const outputs: Socket[] = [];
  try {
    outputs.push(...(await Promise.all([open(socket, stdoutToken), open(socket, stderrToken)])));
    const stdio = [stdin === undefined ? ('ignore' as const) : ('pipe' as const), ...outputs];
    const child = spawn(file, args, { cwd, env, detached: true, stdio });
    child.once('error', (err: NodeJS.ErrnoException) => tell({ id, error: err.code ?? err.message }));
    if (child.pid === undefined) return;
    tell({ id, pid: child.pid });
    child.once('exit', (code, signal) => tell({ id, code, signal }));
    // A program need not read its input: then the pipe breaks, which is no error.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  } catch (err) {
    tell({ id, error: (err as NodeJS.ErrnoException).code ?? String(err) });
  } finally {
    // The program has its own copies.
    for (const output of outputs) output.destroy();
  }
}

// A terminal's Ctrl-C reaches the whole group; the agent decides when its tasks end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
createInterface({ input: process.stdin })
  .on('line', (line) => void start(JSON.parse(line) as SpawnRequest))
  .on('close', () => process.exit());
