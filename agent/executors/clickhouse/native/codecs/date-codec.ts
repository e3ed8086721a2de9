import type { ByteReader } from '../byte-reader.ts';
import type { ByteWriter } from '../byte-writer.ts';
import { Misfit } from '../literal.ts';
import type { Literal } from '../literal.ts';
import type { Codec, Value, Values } from './codec.ts';
import type { ServerDates } from './server-dates.ts';
import type { TimeZone } from './time-zone.ts';

const DAY_SECONDS = 86_400;
/** How SQL writes that there is no date, in every version. */
const NO_DATE = '0000-00-00';

/** Date: days since 1970-01-01 in 16 bits. */
export class DateCodec implements Codec {
  readonly type = 'Date';
  readonly zero: string;
  readonly quoted = true;
  readonly #texts = new DateTexts();

  constructor(dates: ServerDates) {
    this.zero = dates.zeroText?.slice(0, 10) ?? '1970-01-01';
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const bytes = await reader.bytes(rows * 2);
    return (row) => {
      const days = bytes.readUInt16LE(row * 2);
      return days === 0 ? this.zero : this.#texts.day(days);
    };
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * 2);
    values.forEach((value, row) =>
      bytes.writeUInt16LE(value === this.zero ? 0 : Date.parse(value as string) / (DAY_SECONDS * 1000), row * 2),
    );
  }

  fromLiteral(literal: Literal): Value {
    if (literal.kind === 'number' && /^\d{1,5}$/.test(literal.text) && Number(literal.text) <= 0xffff)
      return literal.text === '0' ? this.zero : this.#texts.day(Number(literal.text));
    if (literal.kind !== 'string') throw new Misfit(literal, this.type);
    if (literal.value === NO_DATE) return this.zero;
    const text = literal.value.replace(/-(?=\d(?:-|$))/g, '-0');
    const seconds = parseIso(text, /^\d{4}-\d\d-\d\d$/);
    if (seconds === undefined || seconds < 0 || seconds / DAY_SECONDS > 0xffff) throw new Misfit(literal, this.type);
    return text;
  }

  toText(value: Value): string {
    return value as string;
  }
}

/** DateTime: seconds since 1970 in 32 bits, shown in the column's time zone or else the server's. */
export class DateTimeCodec implements Codec {
  readonly type: string;
  readonly zero: string;
  readonly quoted = true;
  readonly #zone: TimeZone;
  readonly #zeroText: string | undefined;
  readonly #texts = new DateTexts();

  constructor(type: string, zone: TimeZone, dates: ServerDates) {
    this.type = type;
    this.#zone = zone;
    this.#zeroText = dates.zeroText;
    this.zero = this.#show(0);
  }

  async read(reader: ByteReader, rows: number): Promise<Values> {
    const bytes = await reader.bytes(rows * 4);
    return (row) => this.#show(bytes.readUInt32LE(row * 4));
  }

  write(writer: ByteWriter, values: readonly Value[]): void {
    const bytes = writer.reserve(values.length * 4);
    values.forEach((value, row) => bytes.writeUInt32LE(this.#moment(value as string) ?? 0, row * 4));
  }

  fromLiteral(literal: Literal): Value {
    const seconds = literal.kind === 'number' ? literal.text : literal.kind === 'string' ? literal.value : '';
    // In quotes, four digits are a year.
    const isMoment = literal.kind === 'number' ? /^\d{1,10}$/.test(seconds) : /^\d{5,10}$/.test(seconds);
    if (isMoment && Number(seconds) <= 0xffff_ffff) return this.#show(Number(seconds));
    if (literal.kind !== 'string') throw new Misfit(literal, this.type);
    const day = /^\d{4}-\d\d-\d\d$/.test(literal.value);
    const text = day ? `${literal.value} 00:00:00` : literal.value.replace(/^(.{10})T/, '$1 ');
    if (this.#moment(text) === undefined) throw new Misfit(literal, this.type);
    return text;
  }

  toText(value: Value): string {
    return value as string;
  }

  /** As seconds: old servers read texts by their own time zone, not by the column's. */
  toSql(value: Value): string {
    return String(this.#moment(value as string) ?? 0);
  }

  #show(seconds: number): string {
    if (seconds === 0 && this.#zeroText !== undefined) return this.#zeroText;
    return this.#texts.second(seconds + this.#zone.offsetAt(seconds));
  }

  #moment(text: string): number | undefined {
    if (text === this.#zeroText) return 0;
    const shown = parseIso(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    if (shown === undefined) return undefined;
    const seconds = this.#zone.toUtc(shown);
    return seconds >= 0 && seconds <= 0xffff_ffff ? seconds : undefined;
  }
}

/** Writes moments as texts. Neighbours in a column mostly are of the same day, whose text is kept. */
class DateTexts {
  #days = NaN;
  #text = '';

  /** `2026-01-31` */
  day(days: number): string {
    if (days !== this.#days) {
      this.#days = days;
      this.#text = isoText(days * DAY_SECONDS).slice(0, 10);
    }
    return this.#text;
  }

  /** `2026-01-31 23:59:59` */
  second(seconds: number): string {
    const days = Math.floor(seconds / DAY_SECONDS);
    const rest = seconds - days * DAY_SECONDS;
    return `${this.day(days)} ${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  }
}

const two = (number: number): string => (number < 10 ? `0${number}` : String(number));

const isoText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');

/** Undefined when the text has another form or names a day or time that there is not. */
function parseIso(text: string, form: RegExp): number | undefined {
  if (!form.test(text)) return undefined;
  const seconds = Date.parse(`${text.length === 10 ? `${text} 00:00:00` : text}Z`.replace(' ', 'T')) / 1000;
  return Number.isNaN(seconds) || !isoText(seconds).startsWith(text) ? undefined : seconds;
}
