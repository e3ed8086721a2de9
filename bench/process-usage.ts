import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface Usage {
  /** Of user and system, in milliseconds. */
  readonly cpuMs: number;
  readonly rssMb: number;
}

/** Linux counts in hundredths of a second for every program (USER_HZ). */
const MS_PER_TICK = 10;

/** Zeros when there is no such process. */
export function usageOf(pid: number): Usage {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK, rssMb: Number(rss) / 1024 };
  } catch {
    return { cpuMs: 0, rssMb: 0 };
  }
}
