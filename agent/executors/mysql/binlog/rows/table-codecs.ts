import type { Flavour } from '../../session/session.ts';
import type { ColumnFact } from '../column-fact.ts';
import type { Collations, TableMetadata } from '../events/table-metadata.ts';
import { WireType } from './wire-type.ts';
import type { TableMap } from '../events/table-map.ts';
import { columnCodec } from './column-codec.ts';
import type { ColumnCodec } from './column-codec.ts';
import type { ColumnLayout } from './column-layout.ts';

/** What counts of the server. */
export interface LogServer {
  readonly flavour: Flavour;
  /** Names of character sets by the number of a collation. */
  readonly charsets: ReadonlyMap<number, string>;
}

/** How the rows of a table are read, column by column; a text says why they cannot. */
export type TableCodecs = readonly ColumnCodec[] | string;

const BINARY = 'binary';
const STRINGS: ReadonlySet<number> = new Set([
  WireType.Varchar,
  WireType.String,
  WireType.Blob,
  WireType.BlobCompressed,
  WireType.VarcharCompressed,
]);
const MEMBERS: ReadonlySet<number> = new Set([WireType.Enum, WireType.Set]);
const NO_LAYOUT: ColumnLayout = { type: 0, size: 0, scale: 0 };

/** Puts together what the log says of a table and what the server says of it now. */
export function tableCodecs(map: TableMap, facts: readonly ColumnFact[], server: LogServer): TableCodecs {
  const { columns, metadata } = map;
  if (typeof columns === 'string') return columns;
  if (facts.length !== columns.length)
    return `the log has ${columns.length} columns of the table, and the server shows ${facts.length}: it was altered since, or has hidden ones`;
  const renamed = metadata.names?.findIndex((name, index) => name !== facts[index]?.name) ?? -1;
  if (renamed >= 0)
    return `column ${renamed + 1} is named ${facts[renamed]?.name} now, and was ${metadata.names?.[renamed]} when rows were logged`;
  const collations = collationsOf(columns, metadata, server);
  return facts.map((fact, index) => {
    const layout = columns[index];
    const charset = server.charsets.get(collations[index] ?? 0);
    // The lengths are equal, so there is always one.
    const why = layout === undefined ? 'the log has no such column' : misfit(fact, metadata.unsigned?.[index], charset);
    return columnCodec(layout ?? NO_LAYOUT, why ?? fact);
  });
}

/** Numbers of collations by column of the table. */
export function collationsOf(
  columns: readonly ColumnLayout[],
  { strings, members }: TableMetadata,
  { flavour }: LogServer,
): (number | undefined)[] {
  let string = 0;
  let member = 0;
  return columns.map(({ type }) => {
    if (MEMBERS.has(type)) return collationAt(members, member++);
    // MariaDB's geometries are a kind of BLOB.
    const isString = STRINGS.has(type) || (type === WireType.Geometry && flavour === 'mariadb');
    return isString ? collationAt(strings, string++) : undefined;
  });
}

const collationAt = (collations: Collations | undefined, place: number): number | undefined =>
  collations?.byPlace.get(place) ?? collations?.common;

/** What the log and the server say of a column differently. */
function misfit(fact: ColumnFact, unsigned: boolean | undefined, charset: string | undefined): string | undefined {
  const now = `column ${fact.name} is ${fact.type} ${fact.charset ?? ''}`.trim();
  if (unsigned !== undefined && unsigned !== fact.unsigned && !/^year\b/.test(fact.type))
    return `${now} now, and was ${unsigned ? 'unsigned' : 'signed'} when rows were logged`;
  if (charset !== undefined && sameName(charset) !== sameName(fact.charset ?? BINARY))
    return `${now} now, and was ${charset} when rows were logged`;
  return undefined;
}

/** Both names are of one character set, and a server may use both. */
const sameName = (charset: string): string => (charset === 'utf8mb3' ? 'utf8' : charset);
