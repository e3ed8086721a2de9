import { readFileSync } from 'node:fs';

/** What a process has used so far. */
export interface Usage {
  /** Of user and system, in milliseconds. */
  readonly cpuMs: number;
  readonly rssMb: number;
}

/** Linux counts in hundredths of a second for every program (USER_HZ). */
const MS_PER_TICK = 10;

/** Measures the CPU time that processes, and this one, take for some work. */
export class CpuMeter {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #before: Map<string, number>;
  readonly #own = process.cpuUsage();

  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids;
    this.#before = new Map(Object.entries(pids).map(([name, pid]) => [name, usageOf(pid).cpuMs]));
  }

  /** What each took since the start, and all together, for one of `count` pieces of the work. `own`: what to call this process. */
  perPiece(count: number, own: string): string {
    const { user, system } = process.cpuUsage(this.#own);
    const used = Object.entries(this.#pids).map(([name, pid]): [string, number] => [
      name,
      usageOf(pid).cpuMs - (this.#before.get(name) ?? 0),
    ]);
    used.push([own, (user + system) / 1000]);
    const total = used.reduce((sum, [, ms]) => sum + ms, 0);
    return [...used, ['total', total] as const].map(([name, ms]) => `${name} ${(ms / count).toFixed(2)}`).join(', ');
  }
}

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
