import { isIP } from 'node:net';
import { goFloat } from '../../go-format.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, TYPE } from './cel-type.ts';
import type { CelType } from './cel-type.ts';
import {
  CelError,
  CelTime,
  CelTypeName,
  asBytes,
  asDuration,
  asTime,
  kindOf,
  parseDuration,
  parseTime,
  toInt,
} from './cel-value.ts';
import { free } from './overload.ts';
import type { Overload } from './overload.ts';
import { formatDuration, formatTime } from './time-functions.ts';

function textToInt(text: string): unknown {
  if (!/^[+-]?\d+$/.test(text)) throw new CelError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return toInt(BigInt(text.replace(/^\+/, '')));
}

function textToDouble(text: string): number {
  const special: Readonly<Record<string, number>> = { inf: Infinity, '+inf': Infinity, '-inf': -Infinity, nan: NaN };
  const value = special[text.toLowerCase()] ?? (/^\s*$|\s/.test(text) ? NaN : Number(text));
  if (Number.isNaN(value) && text.toLowerCase() !== 'nan')
    throw new CelError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

function doubleToInt(value: number): unknown {
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelError('integer overflow');
  return toInt(BigInt(Math.trunc(value)));
}

function textToBool(text: string): boolean {
  if (['1', 't', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw new CelError(`type conversion error from 'string' to 'bool'`);
}

const TYPE_NAMES: Readonly<Partial<Record<CelType['kind'], string>>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  object: 'map',
  optional: 'optional_type',
  type: 'type',
};

const nameOf = (kind: CelType['kind']): string => TYPE_NAMES[kind] ?? kind;

const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/|^\//i.test(text) && URL.canParse(text, 'http://host');

const same = ([value]: readonly unknown[]): unknown => value;

export const CONVERSIONS: readonly Overload[] = [
  free('int', ['int'], INT, same),
  free('int', ['double'], INT, ([value]: readonly number[]) => doubleToInt(value ?? 0)),
  free('int', ['string'], INT, ([text]: readonly string[]) => textToInt(text ?? '')),
  free('int', ['timestamp'], INT, ([time]: readonly unknown[]) => asTime(time).seconds),
  free('int', ['duration'], INT, ([duration]: readonly unknown[]) => toInt(asDuration(duration).nanos)),
  free('double', ['double'], DOUBLE, same),
  free('double', ['int'], DOUBLE, ([value]: readonly number[]) => Number(value)),
  free('double', ['string'], DOUBLE, ([text]: readonly string[]) => textToDouble(text ?? '')),
  free('string', ['string'], STRING, same),
  free('string', ['int'], STRING, ([value]: readonly unknown[]) => String(value)),
  free('string', ['double'], STRING, ([value]: readonly number[]) => goFloat(value ?? 0)),
  free('string', ['bool'], STRING, ([value]: readonly unknown[]) => String(value)),
  free('string', ['bytes'], STRING, ([bytes]: readonly unknown[]) => Buffer.from(asBytes(bytes)).toString()),
  free('string', ['timestamp'], STRING, ([time]: readonly unknown[]) => formatTime(asTime(time))),
  free('string', ['duration'], STRING, ([duration]: readonly unknown[]) => formatDuration(asDuration(duration))),
  free('bool', ['bool'], BOOL, same),
  free('bool', ['string'], BOOL, ([text]: readonly string[]) => textToBool(text ?? '')),
  free('bytes', ['bytes'], BYTES, same),
  free('bytes', ['string'], BYTES, ([text]: readonly string[]) => Buffer.from(text ?? '')),
  free('timestamp', ['timestamp'], TIMESTAMP, same),
  free('timestamp', ['string'], TIMESTAMP, ([text]: readonly string[]) => parseTime(text ?? '')),
  free('timestamp', ['int'], TIMESTAMP, ([seconds]: readonly number[]) => new CelTime(Number(seconds), 0)),
  free('duration', ['duration'], DURATION, same),
  free('duration', ['string'], DURATION, ([text]: readonly string[]) => parseDuration(text ?? '')),
  free('dyn', ['any'], DYN, same),
  free(
    'type',
    ['any'],
    TYPE,
    ([value]: readonly unknown[], [type]) =>
      new CelTypeName(nameOf(type === undefined || type.kind === 'dyn' ? kindOf(value) : type.kind)),
  ),
  free('isURL', ['string'], BOOL, ([text]: readonly string[]) => isUrl(text ?? '')),
  free('isIP', ['string'], BOOL, ([text]: readonly string[]) => isIP(text ?? '') !== 0),
];
