import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** The environment variable by which every process of a task is known, also one that left its process group. */
export const TASK_MARKER = 'TIANGONG_TASK';

/** How often a group that was told to end is looked at. */
const POLL_MS = 50;

/**
 * When a process was started: the id of the boot, and clock ticks since that. With the pid it names one process for good, also in
 * a journal that outlives a reboot, after which other processes begin at the same pids and ticks. Linux only.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the start is the 22nd field, the 20th after it.
    return `${boot.trim()}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

/** The processes whose environment marks them as work of this run (`<uid>/<epoch>`). */
export async function markedProcesses(run: string): Promise<number[]> {
  const marker = Buffer.from(`${TASK_MARKER}=${run}\0`);
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Unreadable: another user's, or gone.
      const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
      return environment?.includes(marker) === true && pid !== process.pid ? pid : undefined;
    }),
  );
  return marked.filter((pid) => pid !== undefined);
}

export interface ProcessesOfRun {
  readonly run: string;
  /** The leader of the run's process group, when it has one that is certainly its own. */
  readonly group: number | undefined;
}

/** Sends a signal to a run's process group and to those of its processes that left it. Returns the pids that got it. */
async function signalRun({ run, group }: ProcessesOfRun, signal: NodeJS.Signals | 0): Promise<number[]> {
  const marked = await markedProcesses(run);
  const targets = group === undefined ? marked : [-group, ...marked];
  return [...new Set(targets.filter((pid) => send(pid, signal)).map(Math.abs))];
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Whether anything of a run is alive. Processes that have ended but were not waited for do not count. */
export async function isRunAlive({ run, group }: ProcessesOfRun): Promise<boolean> {
  if ((await markedProcesses(run)).length > 0) return true;
  return group !== undefined && send(-group, 0) && (await groupHasLiving(group));
}

async function groupHasLiving(group: number): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return stats.some((stat) => {
    const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return pgrp === String(group) && state !== 'Z' && state !== 'X';
  });
}

/**
 * Ends every process of a run: TERM, then KILL to what is left after `graceMs`. Resolves when nothing is left, with the
 * pids that were found, or after a few seconds more when the kernel does not let go of one.
 */
export async function endRun(processes: ProcessesOfRun, graceMs: number): Promise<readonly number[]> {
  const found = await signalRun(processes, 'SIGTERM');
  if (found.length === 0) return found;
  for (const [signal, limit] of [[undefined, graceMs] as const, ['SIGKILL', 5_000] as const]) {
    if (signal !== undefined) await signalRun(processes, signal);
    for (const end = performance.now() + limit; performance.now() < end;) {
      if (!(await isRunAlive(processes))) return found;
      // A process may have forked between the scan and the signal.
      if (signal !== undefined) await signalRun(processes, signal);
      await delay(POLL_MS);
    }
  }
  return found;
}
