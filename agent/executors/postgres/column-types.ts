import { types } from 'pg';
import type { Column } from '../sql/result-writer.ts';
import type { Field } from './statement-query.ts';
import { TYPE_NAMES } from './type-names.ts';

const { builtins } = types;
const BOOL: number = builtins.BOOL;
const INT8: number = builtins.INT8;
const SMALL_INTEGERS: readonly number[] = [builtins.INT2, builtins.INT4, builtins.OID];
const FLOATS: readonly number[] = [builtins.FLOAT4, builtins.FLOAT8];
const NUMERIC: readonly number[] = [...SMALL_INTEGERS, ...FLOATS, INT8, builtins.NUMERIC];
const JSON_TYPES: readonly number[] = [builtins.JSON, builtins.JSONB];

/** The columns of rows; types that only this database knows have no name. */
export function toColumns(fields: readonly Field[]): readonly Column[] {
  return fields.map(({ name, dataTypeID: oid }) => {
    const type = TYPE_NAMES.get(oid);
    return {
      name,
      ...(type === undefined ? {} : { type }),
      numeric: NUMERIC.includes(oid),
      json: JSON_TYPES.includes(oid),
    };
  });
}

type Reader = (text: string) => unknown;

/** For JSON: makes of the server's text what JSON has a type for, without losing a digit; the rest stays text. */
export function valueReaders(fields: readonly Field[]): readonly (Reader | undefined)[] {
  return fields.map(({ dataTypeID: oid }) => {
    if (oid === BOOL) return (text) => text === 't';
    if (SMALL_INTEGERS.includes(oid) || FLOATS.includes(oid)) return Number;
    return oid === INT8 ? BigInt : undefined;
  });
}
