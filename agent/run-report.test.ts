import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { RunReport } from './journal/journal-record.ts';
import { TaskOutput } from './output/task-output.ts';
import { jsonBytes } from './output/utf8.ts';
import { MAX_ERROR_BYTES, reportPatch, verdictOn, withinBudget } from './run-report.ts';

const task = (state: string, epoch = 1): DeployTask =>
  ({
    metadata: { name: 't', uid: 'u', resourceVersion: '5', generation: 1 },
    spec: { type: 'shell' },
    status: { state, assignment: { agent: 'a', epoch } },
  }) as DeployTask;
const report: RunReport = {
  state: 'Succeeded',
  reason: 'Completed',
  message: 'exit status 0',
  fields: { exitCode: 0 },
};

describe('verdictOn', () => {
  it.each([
    [task('Running'), report, 'write'],
    [task('Running', 2), report, 'moot'],
    [task('Unknown'), report, 'settle'],
    [task('Unknown'), { ...report, state: 'Canceled' as const }, 'moot'],
    [task('Unknown'), { ...report, state: 'Unknown' as const }, 'moot'],
    [task('Succeeded'), report, 'moot'],
    [task('Assigned'), report, 'moot'],
  ])('is as design.md §3 has it', (before, of, verdict) => {
    expect(verdictOn(before, 'u', 1, of)).toBe(verdict);
  });

  it('is moot for another task of the same name', () => {
    expect(verdictOn(task('Running'), 'other', 1, report)).toBe('moot');
  });
});

describe('reportPatch', () => {
  it('is conditional on the version that it was decided on, and says who settled what was Unknown', () => {
    const patch = reportPatch(task('Unknown'), report, 'agent/a', 'settle', new Date(0));
    expect(patch).toMatchObject({
      metadata: { resourceVersion: '5' },
      status: { state: 'Succeeded', exitCode: 0, resolution: { by: 'agent/a' } },
    });
  });

  it('stays within 32 KiB whatever was printed', async () => {
    const nasty = fc.oneof(
      fc.constantFrom('\0', '"', '\n', '\uFFFD', '天', '😀', 'a').map((text) => text.repeat(12_000)),
      fc.string({ unit: 'binary', maxLength: 20_000 }),
    );
    await fc.assert(
      fc.asyncProperty(nasty, fc.array(nasty, { maxLength: 5 }), async (result, lines) => {
        const output = new TaskOutput({ uid: 'u', epoch: 1, uploader: undefined, onOverflow: () => undefined });
        await output.write(Buffer.from(result));
        await output.log('info', ...lines, ...Array.from({ length: 300 }, () => 'line'));
        const error = '"'.repeat(MAX_ERROR_BYTES);
        const full: RunReport = {
          ...report,
          state: 'Failed',
          message: error,
          fields: { error, ...(await output.end()) },
        };
        const { status } = reportPatch(task('Running'), withinBudget(full), 'agent/a', 'write', new Date());
        expect(jsonBytes(status)).toBeLessThanOrEqual(32 * 1024);
      }),
      { numRuns: 60 },
    );
  });
});
