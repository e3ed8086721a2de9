import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalDigest, isAwaitingApproval } from './task-digest.ts';
import type { DeployTaskSpec } from './types/deploytask.ts';

const spec: DeployTaskSpec = {
  agent: 'a1',
  type: 'mysql',
  command: 'DELETE FROM t WHERE id = 1',
  params: { approve: 'required', target: { host: 'db', port: 3306 }, exec_options: { backup: true } },
};
const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member)]),
  );
};

describe('approvalDigest', () => {
  it('is a known value for a known spec, since approvals outlive a release', () => {
    expect(approvalDigest({ agent: 'a', type: 'shell', command: 'true', params: { approve: 'required' } })).toBe(
      // printf '{"agent":"a","command":"%s",…}' "$(printf true | sha256sum)" | sha256sum
      'sha256:873bf3f4fc79b64e748eda452bfd13a0dd0bc9da757425a9c3c95a8a61bddbb8',
    );
  });

  it('depends on nothing but what is there: no order of keys, no metadata, no place of the command', () => {
    const digest = approvalDigest(spec);
    expect(approvalDigest({ ...spec, params: { ...spec.params, metadata: { ticket: 'T-1' } } })).toBe(digest);
    expect(approvalDigest({ ...spec, priority: 3, ttlSecondsAfterFinished: 1 })).toBe(digest);
    const { command: _command, ...rest } = spec;
    const sha256 = 'd3c1d5bcb5d5c8b7b8b0f1f3d3c6d1f9f6a7b7e9d8c3b4a5968778695a4b3c2d';
    const blob = { id: 'b', sha256, bytes: 26 };
    expect(approvalDigest({ ...rest, commandFrom: { blob } })).toBe(
      approvalDigest({ ...rest, commandFrom: { blob: { ...blob, id: 'another' } } }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (params) => {
        const given = { ...spec, params: { ...params, approve: 'required' } } as DeployTaskSpec;
        expect(approvalDigest(shuffled(given) as DeployTaskSpec)).toBe(approvalDigest(given));
      }),
    );
  });

  it.each<[string, Partial<DeployTaskSpec>]>([
    ['another agent', { agent: 'a2' }],
    ['another type', { type: 'doris' }],
    ['another command', { command: 'DELETE FROM t WHERE id = 2' }],
    ['a blank more', { command: 'DELETE FROM t WHERE id = 1 ' }],
    ['a file', { fileId: 'file-1' }],
    ['other bytes of the file', { fileSha256: 'a'.repeat(64) }],
    ['another parameter', { params: { ...spec.params, force: true } }],
    ['another host', { params: { ...spec.params, target: { host: 'prod', port: 3306 } } }],
  ])('differs with %s', (_what, change) => {
    expect(approvalDigest({ ...spec, ...change })).not.toBe(approvalDigest(spec));
  });
});

describe('isAwaitingApproval', () => {
  it('is so until the approval or the end', () => {
    const task = { metadata: { name: 't' }, spec };
    expect(isAwaitingApproval(task)).toBe(true);
    expect(isAwaitingApproval({ ...task, spec: { ...spec, approved: true } })).toBe(false);
    expect(isAwaitingApproval({ ...task, status: { state: 'Canceled' } })).toBe(false);
    expect(isAwaitingApproval({ ...task, spec: { ...spec, params: {} } })).toBe(false);
  });
});
