import { constants } from 'node:os';

/** How the original's runtime names signals; others go by their own names. */
const SIGNAL_TEXTS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
};

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Such as `exit status 1` or `signal: killed`. */
export const exitText = ({ code, signal }: Exit): string =>
  signal === null ? `exit status ${code ?? -1}` : `signal: ${SIGNAL_TEXTS[signal] ?? signal}`;

/** As a shell would have it: 128 plus the number of the signal. */
export const exitCode = ({ code, signal }: Exit): number =>
  signal === null ? (code ?? -1) : 128 + constants.signals[signal];
