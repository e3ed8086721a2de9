/**
 * One value of a row image, exactly as the server has it, never rounded and never recoded.
 *
 * How each is written as SQL so that the very same value is stored: see the members. `undecoded` says why this value
 * cannot be told; the other values of the row can.
 */
export type CellValue =
  | null
  /** Integers, DECIMAL and YEAR (`0` for 0000): the digits, with all zeros of the scale. Unquoted. */
  | { readonly kind: 'number'; readonly text: string }
  /** FLOAT and DOUBLE: a literal with an exponent that is read back as these very bits: `1.5e0`, `-0e0`. Unquoted. */
  | { readonly kind: 'float'; readonly text: string }
  /** CHAR, VARCHAR, TEXT: bytes in the column's own character set, a CHAR without the spaces that fill it. `_latin1 0x…` */
  | { readonly kind: 'text'; readonly bytes: Buffer; readonly charset: string }
  /** BINARY (filled up with zeros), VARBINARY, BLOB, VECTOR. `0x…` */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** DATE, TIME, DATETIME, TIMESTAMP (in UTC) with all digits of the fraction. Quoted, under `time_zone='+00:00'`. */
  | { readonly kind: 'temporal'; readonly text: string }
  /**
   * JSON of MySQL, as `CAST(j AS CHAR)` prints it. `inexact`: what reading the text back would change, if anything; `sql`:
   * an expression that gives the document then, where there is one.
   */
  | { readonly kind: 'json'; readonly text: string; readonly inexact: string | undefined; readonly sql?: string }
  /** BIT(n): big-endian, as many bytes as n needs. `0x…` */
  | { readonly kind: 'bit'; readonly bytes: Buffer }
  /** ENUM: the number counts and is written unquoted; 0 is the empty value of an error. */
  | { readonly kind: 'enum'; readonly index: number; readonly member: string }
  /** SET: the number counts and is written unquoted: bit 0 is the first member. */
  | { readonly kind: 'set'; readonly bits: bigint; readonly members: readonly string[] }
  /** GEOMETRY: four bytes of SRID, then WKB, as columns store it. `0x…` */
  | { readonly kind: 'geometry'; readonly bytes: Buffer }
  /** UUID, INET4, INET6 of MariaDB. Quoted. */
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'undecoded'; readonly why: string };
