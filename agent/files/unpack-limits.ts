import { FileUnavailable } from './file-unavailable.ts';

/** What an archive may unpack to. Nothing is unpacked into memory or onto the disk, so this bounds time, not space. */
export interface UnpackLimits {
  readonly maxBytes: number;
  /** Unpacked by packed bytes, looked at from `RATIO_FROM_BYTES` on: short repetitive text packs as well as any bomb. */
  readonly maxRatio: number;
  readonly maxEntries: number;
}

/**
 * SQL dumps pack 5:1 to 30:1, generated rows that differ in a number 100:1 at most; deflate itself ends at 1,032:1, which
 * is what bombs come close to.
 */
export const UNPACK_LIMITS: UnpackLimits = { maxBytes: 64 * 1024 ** 3, maxRatio: 250, maxEntries: 10_000 };

const RATIO_FROM_BYTES = 64 * 1024 ** 2;

/** Throws `FileUnavailable` when so much may not come out of so little. */
export function checkUnpacked(name: string, unpacked: number, packed: number, limits: UnpackLimits): void {
  if (unpacked > limits.maxBytes)
    throw new FileUnavailable('FileTooLarge', `${name} unpacks to more than ${limits.maxBytes} bytes`);
  if (unpacked > RATIO_FROM_BYTES && unpacked > packed * limits.maxRatio)
    throw new FileUnavailable(
      'FileTooLarge',
      `${name} unpacks to more than ${limits.maxRatio} times its size, as a zip bomb does`,
    );
}

/** Passes bytes on and counts them. */
export async function* unpackedWithin(
  chunks: AsyncIterable<Buffer>,
  name: string,
  packed: number,
  limits: UnpackLimits,
): AsyncGenerator<Buffer> {
  let unpacked = 0;
  for await (const chunk of chunks) {
    unpacked += chunk.length;
    checkUnpacked(name, unpacked, packed, limits);
    yield chunk;
  }
}
