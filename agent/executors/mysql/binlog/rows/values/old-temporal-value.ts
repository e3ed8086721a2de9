import { showDate, showFraction, showTime, utcText } from './temporal-value.ts';

/** What columns made before MySQL 5.6 have, and MariaDB's with `mysql56_temporal_format=OFF`: no fraction. */
export function oldTimeText(raw: Buffer): string {
  const value = raw.readIntLE(0, 3);
  return `${value < 0 ? '-' : ''}${timeOf(Math.abs(value))}`;
}

export function oldDatetimeText(raw: Buffer): string {
  const value = Number(raw.readBigUInt64LE(0));
  const date = Math.floor(value / 1_000_000);
  return `${showDate(Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100)} ${timeOf(value % 1_000_000)}`;
}

export const oldTimestampText = (raw: Buffer): string => utcText(raw.readUInt32LE(0));

/** MariaDB 5.3's types with a fraction: their zero, and the seconds in a value's first bytes. */
const TIME_ZERO_SECONDS = 3_020_400n;
const HIRES_BYTES = {
  time: [3, 4, 4, 5, 5, 5, 6],
  datetime: [5, 6, 6, 7, 7, 7, 8],
  timestamp: [4, 5, 5, 6, 6, 7, 7],
} as const;

export type HiresType = keyof typeof HIRES_BYTES;

/** How many bytes a value has whose fraction has so many digits (from 1 to 6). */
export const hiresBytes = (type: HiresType, digits: number): number => HIRES_BYTES[type][digits] ?? 0;

export function hiresText(type: HiresType, raw: Buffer, digits: number): string {
  const unit = 10n ** BigInt(digits);
  if (type === 'timestamp') {
    const fraction = BigInt(raw.readUIntBE(4, raw.length - 4));
    return `${utcText(raw.readUInt32BE(0))}${fractionText(fraction, digits)}`;
  }
  const packed = BigInt(`0x${raw.toString('hex')}`) - (type === 'time' ? TIME_ZERO_SECONDS * unit : 0n);
  const size = packed < 0n ? -packed : packed;
  const seconds = Number(size / unit);
  const time = showTime(Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60);
  if (type === 'time') return `${packed < 0n ? '-' : ''}${time}${fractionText(size % unit, digits)}`;
  const days = Math.floor(seconds / 86_400);
  const date = showDate(Math.floor(days / 32 / 13), Math.floor(days / 32) % 13, days % 32);
  const clock = showTime(Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60);
  return `${date} ${clock}${fractionText(size % unit, digits)}`;
}

const fractionText = (fraction: bigint, digits: number): string =>
  showFraction(Number(fraction) * 10 ** (6 - digits), digits);

const timeOf = (value: number): string =>
  showTime(Math.floor(value / 10_000), Math.floor(value / 100) % 100, value % 100);
