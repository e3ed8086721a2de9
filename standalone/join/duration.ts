import { InvalidArgumentError } from 'commander';

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** The shortest life of a token that Kubernetes grants, and the longest that is asked for. */
const [MIN_SECONDS, MAX_SECONDS] = [600, 366 * 86_400];

/** Reads such as `12h` or `30d`, for commander. Returns seconds. */
export function lifetime(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS[unit as keyof typeof SECONDS] ?? NaN);
  if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
    throw new InvalidArgumentError('must be 10m to 366d, as a number with s, m, h or d');
  return seconds;
}
