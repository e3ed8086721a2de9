import { describe, expect, it } from 'vitest';
import { approvalDigest } from '../kube/task-digest.ts';
import type { DeployTask, DeployTaskSpec } from '../kube/types/deploytask.ts';
import { refusalOf } from './refusal.ts';

const spec: DeployTaskSpec = { agent: 'a1', type: 'shell', command: 'true', params: { approve: 'required' } };
const approved = (
  change: Partial<DeployTaskSpec> = {},
  digestOf: DeployTaskSpec = { ...spec, ...change },
): DeployTask => ({
  metadata: { name: 't1' },
  spec: { ...spec, approved: true, ...change },
  status: { state: 'Running', approval: { digest: approvalDigest(digestOf), time: '2026-01-01T00:00:00Z' } },
});

describe('refusalOf', () => {
  it('lets what needs no approval run, and what was approved as it is', () => {
    expect(refusalOf({ metadata: { name: 't1' }, spec: { ...spec, params: {} } })).toBeUndefined();
    expect(refusalOf(approved())).toBeUndefined();
    expect(refusalOf(approved({ fileId: 'f', fileSha256: 'a'.repeat(64) }))).toBeUndefined();
  });

  const { status: _status, ...unrecorded } = approved();
  it.each<[string, DeployTask, RegExp]>([
    ['nobody approved', { ...approved(), spec }, /not approved/],
    ['has no record of its approval', unrecorded, /not approved/],
    ['has another command', approved({ command: 'false' }, spec), /sha256:.* was approved, and the task is sha256:/],
    ['has other parameters', approved({ params: { approve: 'required', cwd: '/' } }, spec), /was approved/],
    ['has another file', approved({ fileId: 'f', fileSha256: 'b'.repeat(64) }, spec), /was approved/],
    ['has a file of any bytes', approved({ fileId: 'f' }), /fileSha256/],
    ['names a path on the agent', approved({ params: { approve: 'required', file_path: '/x' } }), /file_path/],
  ])('refuses what %s', (_what, task, message) => {
    expect(refusalOf(task)).toMatchObject({
      reason: 'ApprovalMismatch',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each<[string, Partial<DeployTaskSpec>]>([
    ['review', { type: 'postgres', params: { review: 'only' } }],
    ['rollback_of', { type: 'doris', params: { rollback_of: 't0' } }],
    ['exec_options.ledger', { type: 'mongo', params: { exec_options: { ledger: true } } }],
  ])('refuses %s where the type does not know it', (param, change) => {
    const outcome = refusalOf({ metadata: { name: 't1' }, spec: { ...spec, ...change } });
    expect(outcome).toMatchObject({ reason: 'InvalidParams', message: expect.stringContaining(param) as string });
  });
});
