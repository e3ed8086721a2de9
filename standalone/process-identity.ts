import { readFileSync } from 'node:fs';

/**
 * When a process started, in clock ticks since boot: with the pid it names one process for ever, since pids come again
 * (proc(5), field 22 of /proc/<pid>/stat). Undefined when there is no such process, or no /proc on this system.
 */
export function processStartTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command's name in parentheses, may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
