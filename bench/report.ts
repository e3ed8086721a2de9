import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { Measure } from './workloads.ts';

export interface Section {
  readonly title: string;
  readonly measures: readonly Measure[];
}

/** Durations mean little on a machine that does other things as well; CPU time still does. */
const BUSY = 'what else ran on the machine slows every figure in time, and CPU time per task much less.';

/** The page of docs/ that holds the figures of one run. `load`: the load average before it began. */
export function report(sections: readonly Section[], date: Date, load: number): string {
  const memory = Math.round(totalmem() / 1024 ** 3);
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown processor'}, ${memory} GB, Linux ${release()}, Node.js ${process.version}`;
  const tables = sections.map((section) => tableOf(section));
  return `# Benchmarks

Written by \`${command()}\` on ${date.toISOString().slice(0, 10)}: ${machine}. Everything that is measured, the load generator
included, shares these processors, and all traffic is on the loopback interface. Each task runs \`echo Hello World\` with a
shell on the agent; one that ends with another result makes the run fail. The load average before the run was ${load.toFixed(2)}:
${BUSY}

The bare four-write flow is the limit that the API server sets: one process that creates, assigns, starts and finishes the
same tasks with a bare HTTP client, measured in the same run on the same API server.

${tables.join('\n')}`;
}

/** The page with a section that was measured by itself, in place of the one of that title or at the end. */
export function withSection(page: string, section: Section, date: Date, load: number): string {
  const note = `Measured by itself, by \`${command()}\` on ${date.toISOString().slice(0, 10)}; the load average was ${load.toFixed(2)} before and ${loadavg()[0]?.toFixed(2) ?? '?'} after.\n\n`;
  const [head = '', ...others] = page.split(/^(?=## )/m);
  const kept = others.map((text) => text.trimEnd());
  const table = tableOf(section, note).trimEnd();
  const place = kept.findIndex((text) => text.startsWith(`## ${section.title}\n`));
  if (place < 0) kept.push(table);
  else kept[place] = table;
  return `${head}${kept.join('\n\n')}\n`;
}

function tableOf({ title, measures }: Section, note = ''): string {
  const rows = measures.map(({ what, value }) => `| ${what} | ${value} |`);
  return `## ${title}\n\n${note}| what | value |\n| --- | --- |\n${rows.join('\n')}\n`;
}

function command(): string {
  const args = process.argv.slice(2);
  return args.length === 0 ? 'make bench' : `node bench/main.ts ${args.join(' ')}`;
}
