/** DATE: year, month and day in 15, 4 and 5 bits. */
export function dateText(raw: Buffer): string {
  const bits = raw.readUIntLE(0, 3);
  return showDate(bits >> 9, (bits >> 5) & 0xf, bits & 0x1f);
}

/** TIME(digits) since MySQL 5.6. */
export function time2Text(raw: Buffer, digits: number): string {
  const packed = packedOf(raw, 3, digits);
  const size = Math.abs(packed);
  const whole = Math.floor(size / MICROS_SPAN);
  const time = showTime((whole >> 12) & 0x3ff, (whole >> 6) & 0x3f, whole & 0x3f);
  return `${packed < 0 ? '-' : ''}${time}${showFraction(size % MICROS_SPAN, digits)}`;
}

/** DATETIME(digits) since MySQL 5.6. */
export function datetime2Text(raw: Buffer, digits: number): string {
  const whole = raw.readUIntBE(0, 5) - DATETIME_ZERO;
  return `${datetimeOf(whole)}${showFraction(fractionOf(raw.subarray(5), digits), digits)}`;
}

/** TIMESTAMP(digits) since MySQL 5.6, in UTC. */
export function timestamp2Text(raw: Buffer, digits: number): string {
  return `${utcText(raw.readUInt32BE(0))}${showFraction(fractionOf(raw.subarray(4), digits), digits)}`;
}

/** The whole part of a packed DATETIME: 17 bits of year and month, then day, hour, minute, second. */
export function datetimeOf(whole: number): string {
  const date = Math.floor(whole / 2 ** 17);
  const yearMonth = Math.floor(date / 32);
  const time = whole % 2 ** 17;
  return `${showDate(Math.floor(yearMonth / 13), yearMonth % 13, date % 32)} ${showTime(time >> 12, (time >> 6) & 0x3f, time & 0x3f)}`;
}

/** Seconds since 1970 as UTC; 0 is the zero date. */
export function utcText(seconds: number): string {
  if (seconds === 0) return '0000-00-00 00:00:00';
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

export const showDate = (year: number, month: number, day: number): string =>
  `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;

export const showTime = (hour: number, minute: number, second: number): string =>
  `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}`;

/** `.` and so many digits of a number of microseconds. */
export const showFraction = (micros: number, digits: number): string =>
  digits === 0 ? '' : `.${pad(micros, 6).slice(0, digits)}`;

/** Packed values have 24 bits for microseconds. */
const MICROS_SPAN = 2 ** 24;
const DATETIME_ZERO = 0x80_0000_0000;

/** A signed value whose zero stands in the middle, as whole × 2²⁴ + microseconds. */
function packedOf(raw: Buffer, wholeBytes: number, digits: number): number {
  const fractionBytes = Math.ceil(digits / 2);
  const all = raw.readUIntBE(0, wholeBytes + fractionBytes) - 2 ** ((wholeBytes + fractionBytes) * 8 - 1);
  const unit = 2 ** (fractionBytes * 8);
  const size = Math.abs(all);
  const packed = Math.floor(size / unit) * MICROS_SPAN + (size % unit) * microsOfUnit(fractionBytes);
  return all < 0 ? -packed : packed;
}

const fractionOf = (raw: Buffer, digits: number): number =>
  digits === 0 ? 0 : raw.readUIntBE(0, Math.ceil(digits / 2)) * microsOfUnit(Math.ceil(digits / 2));

/** Two digits a byte: 1/100, 1/10,000 or 1/1,000,000 of a second. */
const microsOfUnit = (bytes: number): number => 10 ** (6 - 2 * bytes);

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
