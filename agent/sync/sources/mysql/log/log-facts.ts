import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import type { TableMap } from '../../../../executors/mysql/binlog/events/table-map.ts';
import type { ColumnLayout } from '../../../../executors/mysql/binlog/rows/column-layout.ts';
import { collationsOf } from '../../../../executors/mysql/binlog/rows/table-codecs.ts';
import type { LogServer } from '../../../../executors/mysql/binlog/rows/table-codecs.ts';
import { WireType } from '../../../../executors/mysql/binlog/rows/wire-type.ts';

/** A column as the log tells it; its members are in its character set still. */
export interface LogFact extends Omit<ColumnFact, 'type'> {
  readonly type: (members: readonly string[]) => string;
  readonly members: readonly Buffer[];
}

const INTEGERS: Readonly<Record<number, string>> = {
  [WireType.Tiny]: 'tinyint',
  [WireType.Short]: 'smallint',
  [WireType.Int24]: 'mediumint',
  [WireType.Long]: 'int',
  [WireType.LongLong]: 'bigint',
};
const PLAIN: Readonly<Record<number, string>> = {
  [WireType.Float]: 'float',
  [WireType.Double]: 'double',
  [WireType.Year]: 'year',
  [WireType.Date]: 'date',
  [WireType.NewDate]: 'date',
  [WireType.Time]: 'time',
  [WireType.Datetime]: 'datetime',
  [WireType.Timestamp]: 'timestamp',
  [WireType.Json]: 'json',
  [WireType.Geometry]: 'geometry',
  [WireType.Vector]: 'vector',
};
const SIZED: Readonly<Record<number, string>> = {
  [WireType.Bit]: 'bit',
  [WireType.Time2]: 'time',
  [WireType.Datetime2]: 'datetime',
  [WireType.Timestamp2]: 'timestamp',
};
const BINARY = 'binary';

/**
 * What the log itself says of a table's columns, as they were when its rows were logged: with binlog_row_metadata=FULL.
 * Undefined where it does not say all.
 */
export function factsOfLog(map: TableMap, server: LogServer): readonly LogFact[] | undefined {
  const { columns, metadata } = map;
  const { names, unsigned } = metadata;
  if (typeof columns === 'string' || names?.length !== columns.length) return undefined;
  const collations = collationsOf(columns, metadata, server);
  let enums = 0;
  let sets = 0;
  const facts: LogFact[] = [];
  for (const [index, layout] of columns.entries()) {
    const isEnum = layout.type === WireType.Enum;
    const isSet = layout.type === WireType.Set;
    const members = isEnum ? metadata.enums?.[enums++] : isSet ? metadata.sets?.[sets++] : [];
    const found = server.charsets.get(collations[index] ?? 0);
    const charset = found === BINARY ? undefined : found;
    const isUnsigned = unsigned?.[index] ?? false;
    const isVague = server.flavour === 'mariadb' && isVagueInMariadb(layout, charset);
    const type = members === undefined || isVague ? undefined : typeOf(layout, charset, isUnsigned);
    if (members === undefined || type === undefined) return undefined;
    const head = { name: names[index] ?? '', type, charset, collation: undefined, unsigned: isUnsigned, members };
    facts.push({ ...head, generated: false, nullable: true, onUpdate: false });
  }
  return facts;
}

const OLD_TEMPORAL: ReadonlySet<number> = new Set([WireType.Time, WireType.Datetime, WireType.Timestamp]);

/** It does not tell UUID, INET4 and INET6 from BINARY, nor the digits of a fraction in temporal types of before 10.1. */
const isVagueInMariadb = ({ type, size }: ColumnLayout, charset: string | undefined): boolean =>
  OLD_TEMPORAL.has(type) || (type === WireType.String && charset === undefined && (size === 4 || size === 16));

/** COLUMN_TYPE as information_schema would have it, as far as values need it. */
function typeOf(
  { type, size, scale }: ColumnLayout,
  charset: string | undefined,
  unsigned: boolean,
): LogFact['type'] | undefined {
  const plain = (name: string): LogFact['type'] => {
    return () => name;
  };
  const bytes = charset === undefined;
  const integer = INTEGERS[type];
  if (integer !== undefined) return plain(unsigned ? `${integer} unsigned` : integer);
  const sized = SIZED[type];
  if (sized !== undefined) return plain(size === 0 ? sized : `${sized}(${size})`);
  switch (type) {
    case WireType.NewDecimal:
      return plain(`decimal(${size},${scale})`);
    case WireType.Varchar:
    case WireType.VarcharCompressed:
      return plain(`${bytes ? 'varbinary' : 'varchar'}(${size})`);
    case WireType.String:
      return plain(`${bytes ? 'binary' : 'char'}(${size})`);
    case WireType.Blob:
    case WireType.BlobCompressed:
      return plain(bytes ? 'blob' : 'text');
    case WireType.Enum:
    case WireType.Set:
      return (members) => `${type === WireType.Enum ? 'enum' : 'set'}(${members.map(quoted).join(',')})`;
    default: {
      const name = PLAIN[type];
      return name === undefined ? undefined : plain(name);
    }
  }
}

const quoted = (member: string): string => `'${member.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
