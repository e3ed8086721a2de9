import type { CellValue } from '../cell-value.ts';
import type { ColumnFact } from '../column-fact.ts';
import type { ColumnLayout } from './column-layout.ts';
import type { ValueDecoder } from './value-decoder.ts';
import { uncompressedValue } from './values/compressed-value.ts';
import { inet4Text, inet6Text, padded, uuidText } from './values/name-value.ts';
import { WireType } from './wire-type.ts';

const NAMES: Readonly<Record<string, (raw: Buffer) => string>> = {
  uuid: uuidText,
  inet4: inet4Text,
  inet6: inet6Text,
};
const FITTING: Readonly<Record<number, RegExp>> = {
  [WireType.String]: /^(char|binary)\b/,
  [WireType.Varchar]: /^(varchar|varbinary|vector)\b/,
  [WireType.Blob]: /^(tiny|medium|long)?(text|blob)\b/,
  [WireType.VarcharCompressed]: /^(varchar|varbinary)\b/,
  [WireType.BlobCompressed]: /^(tiny|medium|long)?(text|blob)\b/,
  [WireType.Vector]: /^vector\b/,
};

/** Strings of all kinds; undefined when the column is of another type. */
export function textDecoder({ type }: ColumnLayout, fact: ColumnFact): ValueDecoder | undefined {
  const name = NAMES[fact.type];
  if (name !== undefined && type === WireType.String) return (raw) => ({ kind: 'name', text: name(raw) });
  if (FITTING[type]?.test(fact.type) !== true) return undefined;
  const { charset } = fact;
  const fixed = Number(/^binary\((\d+)\)/.exec(fact.type)?.[1] ?? 0);
  const valueOf = (bytes: Buffer): CellValue =>
    charset === undefined ? { kind: 'bytes', bytes: padded(bytes, fixed) } : { kind: 'text', bytes, charset };
  if (type === WireType.VarcharCompressed || type === WireType.BlobCompressed)
    return (raw) => valueOf(uncompressedValue(raw));
  return valueOf;
}
