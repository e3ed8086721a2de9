import { isIPv6 } from 'node:net';

/** Prefixes, in groups of 16 bits, of addresses that carry an IPv4 address in their last 32 bits. */
const SUFFIXED: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0], // RFC 4291: IPv4-compatible
  [0, 0, 0, 0, 0, 0xffff], // RFC 4291: IPv4-mapped
  [0, 0, 0, 0, 0xffff, 0], // RFC 2765: SIIT
  [0x64, 0xff9b, 0, 0, 0, 0], // RFC 6052: NAT64
];
/** RFC 8215: NAT64 of a site, whose own prefix is longer, most often 96 bits. */
const LOCAL_NAT64 = [0x64, 0xff9b, 1];
const SIX_TO_FOUR = 0x2002;
const TEREDO = [0x2001, 0];

/** The IPv4 address that an IPv6 address leads to by way of a gateway, or of the system itself; undefined: none. */
export function embeddedIpv4(address: string): string | undefined {
  const groups = groupsOf(address);
  if (groups === undefined) return undefined;
  const begins = (prefix: readonly number[]): boolean => prefix.every((group, index) => groups[index] === group);
  const at = (index: number, mask = 0): string => {
    const [high, low] = [(groups[index] ?? 0) ^ mask, (groups[index + 1] ?? 0) ^ mask];
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  };
  if (SUFFIXED.some(begins) || begins(LOCAL_NAT64)) return at(6);
  if (groups[0] === SIX_TO_FOUR) return at(1);
  // RFC 4380: the client's address with all bits turned over.
  return begins(TEREDO) ? at(6, 0xffff) : undefined;
}

function groupsOf(address: string): number[] | undefined {
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return undefined;
  // An IPv4 address at the end stands for two groups.
  const text = plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = text.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail ?? '')];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
