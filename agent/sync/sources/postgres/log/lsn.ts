const HIGH = 2 ** 32;

/** A place in PostgreSQL's log as a number of bytes. Throws a RangeError for what is none, and past 2⁵³ (8 PiB). */
export function parseLsn(text: string): number {
  const [, high = '', low = ''] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? [];
  const lsn = Number.parseInt(high, 16) * HIGH + Number.parseInt(low, 16);
  if (!Number.isSafeInteger(lsn)) throw new RangeError(`${text} is no place in a log`);
  return lsn;
}

/** As PostgreSQL writes it: `16/B374D848`. */
export function formatLsn(lsn: number): string {
  return `${Math.floor(lsn / HIGH).toString(16)}/${(lsn % HIGH).toString(16)}`.toUpperCase();
}
