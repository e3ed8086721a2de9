import type { StreamId, TaskStreams } from '../../store/task-streams.ts';
import { waitFor } from '../wait.ts';

/** How often a stream is looked at: another replica's appends do not show otherwise. */
const POLL_MS = 1000;

/** Resolves with true once the stream is complete, with false after `timeoutMs` or when the signal aborts. */
export async function untilStreamComplete(
  streams: TaskStreams,
  id: StreamId,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const appended = Promise.withResolvers<void>();
    const unsubscribe = streams.onAppend(id.uid, appended.resolve);
    try {
      if ((await streams.state(id)).complete) return true;
      const left = deadline - performance.now();
      if (left <= 0 || signal.aborted) return false;
      await waitFor(appended.promise, Math.min(left, POLL_MS), signal);
    } finally {
      unsubscribe();
    }
  }
}
