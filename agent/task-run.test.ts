import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { DeployTask } from '../kube/types/deploytask.ts';
import { TaskRun } from './task-run.ts';
import type { RunResumption } from './task-run.ts';

const task: DeployTask = {
  metadata: { name: 't1', uid: 'uid-1' },
  spec: { agent: 'a1', type: 'mysql', command: 'DELETE FROM t', params: { approve: 'required' } },
  status: { state: 'Running' },
};

function runOf(resumption?: RunResumption): TaskRun {
  const id = { uid: 'uid-1', epoch: 1, namespace: 'default', name: 't1', idempotent: false };
  const executor = {
    type: 'mysql' as const,
    execute: () => Promise.reject(new Error('executed what must not be')),
    close: () => Promise.resolve(),
  };
  const tools = {
    executors: new Map([['mysql' as const, executor]]),
    api: undefined,
    uploader: undefined,
    logger: pino({ level: 'silent' }),
    processStarted: () => undefined,
    evidence: () => undefined,
  };
  return new TaskRun(id, tools, resumption);
}

describe('a run that is refused', () => {
  it('has failed when nothing of it was executed', async () => {
    const report = await runOf().execute(task);
    expect(report).toMatchObject({ state: 'Failed', reason: 'ApprovalMismatch' });
    expect(report.message).toContain('not run: the task was not approved');
  });

  it('is unknown when an earlier process had begun it', async () => {
    const report = await runOf({ evidence: undefined, lookOnly: undefined }).execute(task);
    expect(report).toMatchObject({ state: 'Unknown', reason: 'ApprovalMismatch' });
    expect(report.message).toContain('the agent restarted while the task ran');
  });
});
