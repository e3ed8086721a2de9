import type { DeployTaskStatus } from '../../kube/types/deploytask.ts';

export type LogLine = NonNullable<NonNullable<DeployTaskStatus['log']>['lines']>[number];
export type LogLevel = NonNullable<LogLine['level']>;

/** A log line is never longer than this, in bytes of UTF-8: longer output is split (contract of the upload). */
export const MAX_LINE_BYTES = 32 * 1024;

/** A line as it goes to the store, and at the same time its size in a status: JSON without the line end. */
export function encodeLine(line: LogLine): string {
  return `{"id":${line.id},"level":"${line.level}","timestamp":"${line.timestamp}","message":${JSON.stringify(line.message)}}`;
}
