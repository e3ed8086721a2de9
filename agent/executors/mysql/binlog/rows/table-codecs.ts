import type { ColumnFact } from '../column-fact.ts';
import type { TableMap } from '../events/table-map.ts';
import { columnCodec } from './column-codec.ts';
import type { ColumnCodec } from './column-codec.ts';
import type { ColumnLayout } from './column-layout.ts';

/** How the rows of a table are read, column by column; a text says why they cannot. */
export type TableCodecs = readonly ColumnCodec[] | string;

const BINARY = 'binary';
const NO_LAYOUT: ColumnLayout = { type: 0, size: 0, scale: 0 };

/**
 * Puts together what the log says of a table and what the server says of it now. `charsets` are names by the number of a
 * collation.
 */
export function tableCodecs(
  map: TableMap,
  facts: readonly ColumnFact[],
  charsets: ReadonlyMap<number, string>,
): TableCodecs {
  const { columns, metadata } = map;
  if (typeof columns === 'string') return columns;
  if (facts.length !== columns.length)
    return `the log has ${columns.length} columns of the table, and the server shows ${facts.length}: it was altered since, or has hidden ones`;
  const renamed = metadata.names?.findIndex((name, index) => name !== facts[index]?.name) ?? -1;
  if (renamed >= 0)
    return `column ${renamed + 1} is named ${facts[renamed]?.name} now, and was ${metadata.names?.[renamed]} when rows were logged`;
  return facts.map((fact, index) => {
    const layout = columns[index];
    const charset = charsets.get(metadata.collations?.[index] ?? 0);
    // The lengths are equal, so there is always one.
    const why = layout === undefined ? 'the log has no such column' : misfit(fact, metadata.unsigned?.[index], charset);
    return columnCodec(layout ?? NO_LAYOUT, why ?? fact);
  });
}

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
