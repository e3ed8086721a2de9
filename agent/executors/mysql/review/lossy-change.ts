/** What of a column's type says how much it can hold. */
interface Capacity {
  readonly family: string;
  /** Bytes of integers, floats and text; of decimals the digits before the point. */
  readonly size: number;
  /** Digits behind the point, or of the seconds. */
  readonly scale: number;
  readonly unsigned: boolean;
  readonly members: readonly string[];
}

const INTEGERS: Readonly<Record<string, number>> = {
  tinyint: 1,
  bool: 1,
  boolean: 1,
  smallint: 2,
  year: 2,
  mediumint: 3,
  int: 4,
  integer: 4,
  bigint: 8,
  serial: 8,
};
const LONG: Readonly<Record<string, number>> = { tiny: 255, '': 65_535, medium: 16_777_215, long: 4_294_967_295 };
/** Digits of the largest integer of so many bytes. */
const DIGITS: Readonly<Record<number, number>> = { 1: 3, 2: 5, 3: 8, 4: 10, 8: 20 };

/** Why a column may lose something when it gets another type; undefined: it cannot, or nobody knows. */
export function lossyChange(
  from: { readonly type: string; readonly nullable: boolean; readonly charset: string | undefined },
  to: string,
): string | undefined {
  const [before, after] = [capacityOf(from.type), capacityOf(to)];
  if (before === undefined || after === undefined) return undefined;
  const loss = lossOf(before, after);
  if (loss !== undefined) return loss;
  const charset = /\b(?:CHARSET|CHARACTER\s+SET)\s*=?\s*[`'"]?(\w+)/i.exec(to)?.[1];
  if (charset !== undefined && after.family === 'text' && losesCharacters(from.charset, charset))
    return `the character set ${charset} does not hold every character of ${from.charset ?? ''}`;
  if (from.nullable && /\bNOT\s+NULL\b/i.test(to)) return 'NULL is allowed now and will not be';
  return undefined;
}

/** Whether text in one character set may hold what another one has not. */
export function losesCharacters(from: string | undefined, to: string): boolean {
  const target = to.toLowerCase();
  if (from === undefined || from === target || from === 'ascii') return false;
  if (/^(?:utf8mb4|utf16|utf16le|utf32|gb18030)$/.test(target)) return false;
  return !(/^utf8(?:mb3)?$|^ucs2$/.test(target) && !/^(?:utf8mb4|utf16|utf16le|utf32|gb18030)$/.test(from));
}

function lossOf(before: Capacity, after: Capacity): string | undefined {
  if (before.family !== after.family) return crossLoss(before, after);
  switch (before.family) {
    case 'integer':
      if (after.size < before.size) return 'the new type holds smaller numbers';
      if (!before.unsigned && after.unsigned) return 'the new type holds no negative numbers';
      return before.unsigned && !after.unsigned && after.size === before.size
        ? 'the new type holds smaller numbers'
        : undefined;
    case 'list': {
      const lost = before.members.filter((member) => !after.members.includes(member));
      return lost.length === 0 ? undefined : `the new type has no ${lost.slice(0, 3).join(', ')}`;
    }
    default:
      if (after.size < before.size) return 'the new type is shorter';
      if (after.scale < before.scale) return 'the new type has fewer decimal places';
      return !before.unsigned && after.unsigned ? 'the new type holds no negative numbers' : undefined;
  }
}

function crossLoss(before: Capacity, after: Capacity): string | undefined {
  const { family } = before;
  if (after.family === 'text') {
    const needed = family === 'integer' ? (DIGITS[before.size] ?? 20) + 1 : family === 'bytes' ? Infinity : 64;
    return after.size >= needed * 4 ? undefined : 'values of the old type may not fit in the new one';
  }
  if (family === 'integer' && after.family === 'decimal')
    return after.size >= (DIGITS[before.size] ?? 20) ? undefined : 'the new type holds smaller numbers';
  if (family === 'integer' && after.family === 'float')
    return before.size <= 3 || (before.size === 4 && after.size === 8)
      ? undefined
      : 'the new type rounds large numbers';
  if (family === 'date' && after.family === 'datetime') return undefined;
  if (family === 'timestamp' && after.family === 'datetime' && after.scale >= before.scale) return undefined;
  return 'values of the old type may not fit in the new one';
}

function capacityOf(type: string): Capacity | undefined {
  const found = /^\s*(national\s+varchar|double\s+precision|long\s+varchar|\w+)\s*(?:\(([^)]*)\))?/i.exec(type);
  if (found === null) return undefined;
  const name = (found[1] ?? '').toLowerCase().replace(/\s+/g, ' ');
  const [first, second] = found[2]?.split(',').map(Number) ?? [];
  const base = { size: 0, scale: 0, unsigned: /\bunsigned\b|\bzerofill\b/i.test(type), members: [] };
  const integer = INTEGERS[name];
  if (integer !== undefined) return { ...base, family: 'integer', size: integer };
  switch (name) {
    case 'decimal':
    case 'numeric':
    case 'dec':
    case 'fixed':
      return { ...base, family: 'decimal', size: (first ?? 10) - (second ?? 0), scale: second ?? 0 };
    case 'float':
      return { ...base, family: 'float', size: (first ?? 0) > 24 && second === undefined ? 8 : 4 };
    case 'double':
    case 'double precision':
    case 'real':
      return { ...base, family: 'float', size: 8 };
    case 'char':
    case 'nchar':
    case 'varchar':
    case 'nvarchar':
    case 'national varchar':
    case 'character':
      return { ...base, family: 'text', size: (first ?? 1) * 4 };
    case 'binary':
    case 'varbinary':
      return { ...base, family: 'bytes', size: first ?? 1 };
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return { ...base, family: name, size: 1, scale: first ?? 0 };
    case 'enum':
    case 'set':
      return { ...base, family: 'list', size: name === 'enum' ? 1 : 2, members: membersOf(type) };
    case 'bit':
      return { ...base, family: 'bit', size: first ?? 1 };
    case 'json':
      return { ...base, family: 'json', size: 1 };
    default: {
      const long = /^(tiny|medium|long|)(text|blob)$/.exec(name);
      if (long === null) return undefined;
      return { ...base, family: long[2] === 'text' ? 'text' : 'bytes', size: LONG[long[1] ?? ''] ?? 0 };
    }
  }
}

const membersOf = (type: string): string[] => [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, member = '']) => member);
