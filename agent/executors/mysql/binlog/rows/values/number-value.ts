/** Little-endian integers of one to eight bytes. */
export function integerText(raw: Buffer, unsigned: boolean): string {
  if (raw.length === 8) return String(unsigned ? raw.readBigUInt64LE(0) : raw.readBigInt64LE(0));
  return String(unsigned ? raw.readUIntLE(0, raw.length) : raw.readIntLE(0, raw.length));
}

/** A literal of the type DOUBLE that is read back as exactly this value; a FLOAT is one too. */
export const floatText = (value: number): string =>
  `${Object.is(value, -0) ? '-' : ''}${value.toExponential().replace('+', '')}`;

/** YEAR: 0 is 0000. */
export const yearText = (raw: Buffer): string => String(raw[0] === 0 ? 0 : 1900 + (raw[0] ?? 0));
