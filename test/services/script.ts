import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';

/** The first start on a machine downloads and compiles; a second caller waits for the first. */
const DEADLINE_MS = 900_000;

/**
 * Runs `<name>.sh <verb> <port>` and returns what it printed: `started <pid>`, `running <pid>`, or nothing. The options,
 * which have no blanks, are added to the command line of the server that it starts (mysql and mariadb only).
 */
export async function runScript(
  name: string,
  verb: 'start' | 'stop' | 'remove',
  port: number,
  options: readonly string[] = [],
): Promise<string> {
  const script = join(import.meta.dirname, `${name}.sh`);
  const child = spawn('bash', [script, verb, String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
    env: { ...process.env, SERVER_OPTIONS: options.join(' ') },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${name}.sh ${verb} ${port} failed (${String(code)}):\n${stderr.slice(-4000)}`);
  return stdout.trim();
}
