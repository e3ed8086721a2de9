import { statfsSync } from 'node:fs';

/** What tasks print leaves this share of the disk free, at most `MAX_RESERVE_BYTES`. */
const RESERVE_SHARE = 0.05;
const MAX_RESERVE_BYTES = 256 * 1024 ** 2;

/**
 * How many bytes may still be written below a folder before only the reserve is left: without it one task's output would
 * stop every program that keeps its records on the same disk. Negative when the reserve is touched.
 */
export function freeAboveReserve(folder: string): number {
  try {
    const { bavail, blocks, bsize } = statfsSync(folder);
    return bavail * bsize - Math.min(MAX_RESERVE_BYTES, blocks * bsize * RESERVE_SHARE);
  } catch {
    // A disk that cannot be asked is not known to be full: the write itself will tell.
    return Infinity;
  }
}
