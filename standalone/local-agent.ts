import { delimiter, extname, join } from 'node:path';
import type { AgentProcessOptions } from './agent-process.ts';

/** How long running tasks may go on when `tiangong up` is stopped. */
const DRAIN_SECONDS = 10;

/** The command line of the agent that `tiangong up` keeps, and where its files are. */
export function localAgentCommand(options: {
  readonly name: string;
  /** The agent's folder: its kubeconfig and that of its k8s tasks, state, pid and log. */
  readonly folder: string;
  /** Where everything is kept: no task may name a file in it. */
  readonly home: string;
  readonly namespace: string;
  readonly apiUrl: string;
  /** What the certificate of the REST API is checked against, if it has one. */
  readonly caFile?: string;
}): Pick<AgentProcessOptions, 'command' | 'environment' | 'pidFile' | 'logFile'> {
  const { name, folder, home, namespace, apiUrl, caFile } = options;
  // As this file is: .ts, or .js once it was built.
  const program = join(import.meta.dirname, '..', 'agent', `main${extname(import.meta.filename)}`);
  const flags = {
    name,
    'home-namespace': namespace,
    kubeconfig: join(folder, 'kubeconfig'),
    // k8s tasks act under a name of their own: the agent's has rights on tasks and its Lease alone.
    'k8s-kubeconfig': join(folder, 'k8s-kubeconfig'),
    'api-url': apiUrl,
    ...(caFile !== undefined && { 'api-ca-file': caFile }),
    'state-dir': join(folder, 'state'),
    'drain-seconds': String(DRAIN_SECONDS),
  };
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
  return {
    // It waits: after a crash the Lease of the agent before must run out first.
    command: [process.execPath, program, ...args, '--wait'],
    environment: {
      ...process.env,
      PATH: withoutNpm(process.env['PATH'] ?? ''),
      // The tokens of all identities and the store are there.
      TIANGONG_PRIVATE_PATHS: [home, process.env['TIANGONG_PRIVATE_PATHS'] ?? ''].join(':'),
    },
    pidFile: join(folder, 'agent.pid'),
    logFile: join(folder, 'agent.log'),
  };
}

/** What npm puts first on PATH for its scripts is for this program alone: tasks, which get the agent's PATH, shall find the machine's own programs. */
export function withoutNpm(path: string): string {
  const isNpms = (folder: string): boolean => /\/node_modules\/(\.bin|.*\/node-gyp-bin)$/.test(folder);
  return path
    .split(delimiter)
    .filter((folder) => !isNpms(folder))
    .join(delimiter);
}
