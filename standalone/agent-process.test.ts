import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess } from './agent-process.ts';
import { processStartTicks } from './process-identity.ts';

/** Stands for an agent: it lives until TERM. */
const LIVES = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000); console.log("alive")';

describe('AgentProcess', { timeout: 90_000 }, () => {
  let folder: string;
  const started: { stop: AbortController; running: Promise<void> }[] = [];

  const keep = (script = LIVES): { stop: AbortController; running: Promise<void> } => {
    const stop = new AbortController();
    const agent = new AgentProcess({
      command: [process.execPath, '-e', script],
      environment: process.env,
      pidFile: join(folder, 'agent.pid'),
      logFile: join(folder, 'agent.log'),
      logger: pino({ level: 'silent' }),
    });
    const entry = { stop, running: agent.run(stop.signal, new AbortController().signal) };
    started.push(entry);
    return entry;
  };
  const known = (): { pid: number; startTicks: string } =>
    JSON.parse(readFileSync(join(folder, 'agent.pid'), 'utf8')) as { pid: number; startTicks: string };
  const pollKnown = async (): Promise<void> => {
    await expect.poll(known).toBeDefined();
  };
  const log = (): string => readFileSync(join(folder, 'agent.log'), 'utf8');
  const pollAlive = async (count: number): Promise<void> => {
    await expect.poll(() => log().match(/alive/g)?.length).toBe(count);
  };

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tiangong-agent-process-'))));
  afterEach(async () => {
    for (const { stop } of started) stop.abort();
    await Promise.all(started.splice(0).map(({ running }) => running));
    rmSync(folder, { recursive: true });
  });

  it('ends the agent when it is stopped itself', async () => {
    const { stop, running } = keep();
    await pollKnown();
    const { pid, startTicks } = known();
    expect(processStartTicks(pid)).toBe(startTicks);
    await pollAlive(1);
    stop.abort();
    await running;
    expect(processStartTicks(pid)).toBeUndefined();
  });

  it('starts an agent again that ended by itself', async () => {
    keep();
    await pollKnown();
    await pollAlive(1);
    const before = known().pid;
    process.kill(before, 'SIGKILL');
    await expect.poll(() => known().pid).not.toBe(before);
    await pollAlive(2);
  });

  it('adopts the agent of an earlier start that was killed', async () => {
    // Its run is left behind, as by a kill: only the files and the agent remain.
    keep();
    await pollKnown();
    await pollAlive(1);
    const { pid } = known();
    const second = keep();
    second.stop.abort();
    await second.running;
    expect(processStartTicks(pid)).toBeUndefined();
    expect(log().match(/alive/g)).toHaveLength(1);
  });

  it('replaces the agent of an earlier start that has other settings', async () => {
    keep();
    await pollKnown();
    await pollAlive(1);
    const { pid } = known();
    keep(`${LIVES}; "other"`);
    await expect.poll(() => processStartTicks(pid)).toBeUndefined();
    await pollAlive(2);
  });
});
