import { INT } from './cel-type.ts';
import type { CelDuration, CelTime } from './cel-value.ts';
import { CelError, asDuration, asTime } from './cel-value.ts';
import { method } from './overload.ts';
import type { Overload } from './overload.ts';

/** RFC 3339 with as many digits as there are. */
export function formatTime(time: CelTime): string {
  const base = new Date(time.seconds * 1000).toISOString().slice(0, 19);
  const digits = time.nanos === 0 ? '' : `.${String(time.nanos).padStart(9, '0').replace(/0+$/, '')}`;
  return `${base}${digits}Z`;
}

/** Seconds, as `string(duration)` gives it. */
export function formatDuration(duration: CelDuration): string {
  const negative = duration.nanos < 0n;
  const nanos = negative ? -duration.nanos : duration.nanos;
  const rest = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${negative ? '-' : ''}${nanos / 1_000_000_000n}${rest === '' ? '' : `.${rest}`}s`;
}

/** The moment's clock in a zone, as a Date whose UTC parts are those of the zone. */
function inZone(time: CelTime, zone: string | undefined): Date {
  const date = new Date(time.seconds * 1000 + Math.floor(time.nanos / 1e6));
  if (zone === undefined || zone === '' || zone === 'UTC') return date;
  const offset = /^([+-]?)(\d{2}):(\d{2})$/.exec(zone);
  if (offset !== null) {
    const minutes = (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1);
    return new Date(date.getTime() + minutes * 60_000);
  }
  try {
    const text = date.toLocaleString('sv-SE', { timeZone: zone });
    return new Date(`${text.replace(' ', 'T')}.${String(date.getUTCMilliseconds()).padStart(3, '0')}Z`);
  } catch {
    throw new CelError(`unknown time zone ${zone}`);
  }
}

const DAY_MS = 86_400_000;

const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

const UNITS: Readonly<Record<string, bigint>> = {
  getHours: 3_600_000_000_000n,
  getMinutes: 60_000_000_000n,
  getSeconds: 1_000_000_000n,
  getMilliseconds: 1_000_000n,
};

export const TIME_FUNCTIONS: readonly Overload[] = [
  ...Object.entries(PARTS).flatMap(([name, part]) => [
    method(name, ['timestamp'], INT, ([time]: readonly unknown[]) => part(inZone(asTime(time), undefined))),
    method(name, ['timestamp', 'string'], INT, ([time, zone]: readonly unknown[]) =>
      part(inZone(asTime(time), zone as string)),
    ),
  ]),
  ...Object.entries(UNITS).map(([name, unit]) =>
    method(name, ['duration'], INT, ([duration]: readonly unknown[]) => Number(asDuration(duration).nanos / unit)),
  ),
];
