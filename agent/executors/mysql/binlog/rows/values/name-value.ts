/** MariaDB's types that are kept as a fixed number of bytes, zeros at the end left out. */
export function uuidText(raw: Buffer): string {
  const hex = padded(raw, 16).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export const inet4Text = (raw: Buffer): string => padded(raw, 4).join('.');

/** As the server shows it: the first longest run of zero groups, be it one, as `::`, addresses of IPv4 with points. */
export function inet6Text(raw: Buffer): string {
  const bytes = padded(raw, 16);
  const ipv4 = inet4Text(bytes.subarray(12));
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  if (groups.slice(0, 5).every((group) => group === '0')) {
    if (groups[5] === 'ffff') return `::ffff:${ipv4}`;
    if (groups[5] === '0' && groups[6] !== '0') return `::${ipv4}`;
  }
  let start = 0;
  let length = 0;
  for (let from = 0; from < groups.length; from += 1) {
    let to = from;
    while (groups[to] === '0') to += 1;
    if (to - from > length) {
      start = from;
      length = to - from;
    }
  }
  if (length === 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** What BINARY(length) has: the log leaves the zeros at the end out. */
export function padded(raw: Buffer, length: number): Buffer {
  return raw.length >= length ? raw : Buffer.concat([raw], length);
}
