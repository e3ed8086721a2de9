import { WireType } from '../wire-type.ts';
import { decimalBytes, decimalText } from './decimal-value.ts';
import { datetimeOf, showFraction, showTime } from './temporal-value.ts';

/** What a JSON document holds of a type that JSON does not have, as MySQL prints it; `type` is its name in SQL. */
export interface OpaqueText {
  readonly text: string;
  readonly type: string;
  /** An expression that gives the same value, also as part of a document; undefined: there is none. */
  readonly sql: string | undefined;
}

/** Of a literal such as 0x00, and of what is cast to BINARY. */
const VARCHAR = 15;

/** Bytes of a line of base64, as the server breaks them. */
const LINE = 76;

export function opaqueText(type: number, data: Buffer): OpaqueText | undefined {
  switch (type) {
    case WireType.NewDecimal: {
      const [precision = 0, scale = 0] = data;
      const digits = data.subarray(2);
      if (data.length < 2 || scale > precision || digits.length !== decimalBytes(precision, scale)) return undefined;
      const text = decimalText(digits, precision, scale);
      return { text, type: 'DECIMAL', sql: `CAST('${text}' AS DECIMAL(65,${scale}))` };
    }
    case WireType.Date:
    case WireType.NewDate:
      return temporal(data, 'DATE', (whole) => datetimeOf(whole).slice(0, 10));
    case WireType.Datetime:
    case WireType.Timestamp:
      return temporal(
        data,
        type === WireType.Timestamp ? 'TIMESTAMP' : 'DATETIME',
        (whole, micros) => `${datetimeOf(whole)}${showFraction(micros, 6)}`,
      );
    case WireType.Time:
      return temporal(
        data,
        'TIME',
        (whole, micros) =>
          `${showTime((whole >> 12) & 0x3ff, (whole >> 6) & 0x3f, whole & 0x3f)}${showFraction(micros, 6)}`,
      );
    default: {
      const lines = data.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
      return {
        text: `"base64:type${type}:${lines.join('\n')}"`,
        type: type === WireType.Bit ? 'BIT' : 'BLOB',
        sql: type === VARCHAR && data.length > 0 ? `0x${data.toString('hex')}` : undefined,
      };
    }
  }
}

function temporal(data: Buffer, type: string, show: (whole: number, micros: number) => string): OpaqueText | undefined {
  if (data.length !== 8) return undefined;
  const packed = data.readBigInt64LE(0);
  const size = packed < 0n ? -packed : packed;
  const text = show(Number(size >> 24n), Number(size & 0xff_ffffn));
  const signed = `${packed < 0n ? '-' : ''}${text}`;
  const cast = type === 'DATE' ? type : `${type}(6)`;
  return { text: `"${signed}"`, type, sql: type === 'TIMESTAMP' ? undefined : `CAST('${signed}' AS ${cast})` };
}
