import { TASK_MARKER } from '../../process-table.ts';

export interface ShellParams {
  readonly shell: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly stdin: string | undefined;
}

/** Reads the parameters of a shell task; a string is what is wrong with them. */
export function parseShellParams(params: Readonly<Record<string, unknown>>): ShellParams | string {
  const { shell = 'sh', cwd, stdin, env = {} } = params;
  if (typeof shell !== 'string' || shell.trim() === '' || shell.includes('\0'))
    return 'params.shell must be the name or the path of a shell';
  if (cwd !== undefined && (typeof cwd !== 'string' || !cwd.startsWith('/') || cwd.includes('\0')))
    return 'params.cwd must be an absolute path';
  if (stdin !== undefined && typeof stdin !== 'string') return 'params.stdin must be a string';
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    return 'params.env must be a map of names to strings';
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) return `params.env: ${JSON.stringify(name)} is no name of a variable`;
    if (name === TASK_MARKER) return `params.env: ${TASK_MARKER} is the agent's own`;
    if (typeof value !== 'string' || value.includes('\0')) return `params.env.${name} must be a string without NUL`;
  }
  return { shell, env: env as Record<string, string>, cwd, stdin };
}

/** What a task's environment takes from the agent's own. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ'] as const;

/** A clean environment: nothing of the agent's, such as its token, gets into it. */
export function taskEnvironment(
  own: NodeJS.ProcessEnv,
  set: Readonly<Record<string, string>>,
  run: string,
): Record<string, string> {
  const env: Record<string, string> = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  for (const name of INHERITED) {
    const value = own[name];
    if (value !== undefined) env[name] = value;
  }
  return Object.assign(env, set, { [TASK_MARKER]: run });
}
