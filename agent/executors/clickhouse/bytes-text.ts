import { isUtf8 } from 'node:buffer';

/** Bytes of a String as text; what is no UTF-8 is `\x` and hex, as results show bytes everywhere. */
export const bytesText = (bytes: Buffer): string => (isUtf8(bytes) ? bytes.toString() : `\\x${bytes.toString('hex')}`);
