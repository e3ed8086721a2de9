/** MariaDB's types that are kept as a fixed number of bytes, zeros at the end left out. */
export function uuidText(raw: Buffer): string {
  const hex = padded(raw, 16).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export const inet4Text = (raw: Buffer): string => padded(raw, 4).join('.');

/** All eight groups: the server reads them as it would the short form. */
export function inet6Text(raw: Buffer): string {
  const bytes = padded(raw, 16);
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
}

/** What BINARY(length) has: the log leaves the zeros at the end out. */
export function padded(raw: Buffer, length: number): Buffer {
  return raw.length >= length ? raw : Buffer.concat([raw], length);
}
