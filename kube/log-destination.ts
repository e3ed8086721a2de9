import { pino } from 'pino';

/** What waits for a log that cannot be written; lines beyond it are lost. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Where a program's log goes, by file descriptor. A log that cannot be written, on a full disk or a closed pipe, is lost;
 * by default pino would end the program for it.
 */
export function logDestination({
  fd,
  sync = false,
}: {
  fd: number;
  sync?: boolean;
}): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ fd, sync, maxLength: MAX_WAITING_BYTES });
  destination.on('error', () => {});
  return destination;
}
