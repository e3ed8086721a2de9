import type { Pod } from './kinds.ts';
import { AGENT_CONTAINER } from './pod-template.ts';

/** Why an agent does not come up. */
export interface PodProblem {
  /** One of Kubernetes' own words. */
  readonly reason: string;
  /** Stays the same while the reason does, as far as it can: each change of it is a write. */
  readonly message: string;
}

/** Kubernetes goes to and fro between these two. */
const CANNOT_PULL = ['ErrImagePull', 'ImagePullBackOff'];

/** What a pod waits for that passes by itself. */
const NO_PROBLEM = ['ContainerCreating', 'PodInitializing'];

/** What keeps the first of the pods that has a problem from running; undefined: nothing that Kubernetes has told of. */
export function problemOf(pods: readonly Pod[]): PodProblem | undefined {
  const inOrder = [...pods].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1));
  for (const pod of inOrder) {
    const problem = waitingFor(pod) ?? unschedulable(pod);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function waitingFor({ metadata, status }: Pod): PodProblem | undefined {
  const agent = status?.containerStatuses?.find(({ name }) => name === AGENT_CONTAINER);
  const { reason, message = '' } = agent?.state?.waiting ?? {};
  if (reason === undefined || NO_PROBLEM.includes(reason)) return undefined;
  const pod = `pod ${metadata.name}`;
  if (CANNOT_PULL.includes(reason)) return { reason: 'ImagePullBackOff', message: `${pod} cannot pull its image` };
  if (reason !== 'CrashLoopBackOff') return { reason, message: `${pod}: ${message.slice(0, MAX_TEXT)}` };
  const { message: last = '', exitCode } = agent?.lastState?.terminated ?? {};
  const said = lastWords(last);
  return { reason, message: `${pod} ends again and again with exit status ${exitCode ?? '?'}${said && `: ${said}`}` };
}

function unschedulable({ metadata, status }: Pod): PodProblem | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  const message = `pod ${metadata.name} finds no node: ${(scheduled.message ?? '').slice(0, MAX_TEXT)}`;
  return { reason: 'Unschedulable', message };
}

const MAX_TEXT = 500;

/** Where the message stands in a line of an agent's log; Kubernetes keeps only the end of a long one. */
const LOGGED = /"msg":("(?:[^"\\]|\\.)*")\}$/;

/** What an agent said last: the message of the last line of its log; else the line itself. */
function lastWords(log: string): string {
  const line = log.trimEnd().split('\n').at(-1) ?? '';
  const message = LOGGED.exec(line)?.[1];
  if (message === undefined) return line.slice(0, MAX_TEXT);
  try {
    return (JSON.parse(message) as string).slice(0, MAX_TEXT);
  } catch {
    return message.slice(0, MAX_TEXT);
  }
}
