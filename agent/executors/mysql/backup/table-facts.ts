import type { ColumnFact } from '../binlog/column-fact.ts';
import { quoteText } from './quote.ts';

type Row = Readonly<Record<string, string | null>>;

/** What answers small questions: a session. Values are text. */
export interface RowSource {
  rows(sql: string): Promise<readonly Row[]>;
}

/** A foreign key of another table that follows changes of this one, which the log does not tell. */
export interface Cascade {
  /** `` `schema`.`table` `` of the table that follows. */
  readonly from: string;
  readonly onDelete: boolean;
  readonly onUpdate: boolean;
  /** Columns of this table that it refers to. */
  readonly columns: readonly string[];
}

/** What must be known of a table to undo changes of its rows. */
export interface TableFacts {
  readonly schema: string;
  readonly table: string;
  /** `InnoDB`; undefined: it has none, as a MariaDB sequence. */
  readonly engine: string | undefined;
  /** TABLE_TYPE: `BASE TABLE`, `SYSTEM VERSIONED`, `SEQUENCE`. */
  readonly type: string;
  readonly columns: readonly ColumnFact[];
  /** Places in `columns` of what tells rows apart; undefined: nothing does. */
  readonly key: readonly number[] | undefined;
  /** Undefined: the login may not see them. */
  readonly triggers: readonly string[] | undefined;
  readonly cascades: readonly Cascade[];
}

const GENERATED = /\b(?:VIRTUAL|STORED|PERSISTENT)\b/i;
const ON_UPDATE = /\bon update\b/i;
const CASCADING = /^(?:CASCADE|SET NULL|SET DEFAULT)$/i;

/**
 * Reads a table's facts as they are now; undefined: there is no such table, or the user may not see it. `triggersFrom`
 * is a session that sees its triggers.
 */
export async function readTableFacts(
  source: RowSource,
  schema: string,
  table: string,
  triggersFrom: RowSource | 'nobody' = source,
): Promise<TableFacts | undefined> {
  const from = (view: string, prefix: string): string =>
    `FROM information_schema.${view} WHERE ${prefix}SCHEMA = ${quoteText(schema)} AND ${prefix}NAME = ${quoteText(table)}`;
  const [about] = exactly(
    await source.rows(
      `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, ENGINE AS engine, TABLE_TYPE AS type ${from('TABLES', 'TABLE_')}`,
    ),
    schema,
    table,
  );
  if (about === undefined) return undefined;
  const columns = exactly(
    await source.rows(
      `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS name, COLUMN_TYPE AS type, CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, IS_NULLABLE AS nullable, EXTRA AS extra ${from('COLUMNS', 'TABLE_')} ORDER BY ORDINAL_POSITION`,
    ),
    schema,
    table,
  ).map(columnFact);
  const keys = exactly(
    await source.rows(
      `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, INDEX_NAME AS name, COLUMN_NAME AS col, SUB_PART AS part ${from('STATISTICS', 'TABLE_')} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    ),
    schema,
    table,
  );
  return {
    schema,
    table,
    engine: text(about['engine']),
    type: text(about['type']) ?? '',
    columns,
    key: chooseKey(keys, columns),
    triggers: triggersFrom === 'nobody' ? undefined : await readTriggers(triggersFrom, schema, table),
    cascades: await readCascades(source, schema, table),
  };
}

async function readTriggers(source: RowSource, schema: string, table: string): Promise<string[]> {
  const rows = await source.rows(
    `SELECT EVENT_OBJECT_SCHEMA AS s, EVENT_OBJECT_TABLE AS t, TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${quoteText(schema)} AND EVENT_OBJECT_TABLE = ${quoteText(table)}`,
  );
  return exactly(rows, schema, table).map(({ name }) => String(name));
}

async function readCascades(source: RowSource, schema: string, table: string): Promise<Cascade[]> {
  const rows = exactly(
    await source.rows(
      `SELECT r.UNIQUE_CONSTRAINT_SCHEMA AS s, r.REFERENCED_TABLE_NAME AS t, r.CONSTRAINT_SCHEMA AS child_schema, r.TABLE_NAME AS child, r.CONSTRAINT_NAME AS name, r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update, k.REFERENCED_COLUMN_NAME AS col FROM information_schema.REFERENTIAL_CONSTRAINTS r JOIN information_schema.KEY_COLUMN_USAGE k ON k.CONSTRAINT_SCHEMA = r.CONSTRAINT_SCHEMA AND k.TABLE_NAME = r.TABLE_NAME AND k.CONSTRAINT_NAME = r.CONSTRAINT_NAME WHERE r.UNIQUE_CONSTRAINT_SCHEMA = ${quoteText(schema)} AND r.REFERENCED_TABLE_NAME = ${quoteText(table)}`,
    ),
    schema,
    table,
  );
  const found = new Map<string, Cascade & { columns: string[] }>();
  for (const row of rows) {
    const onDelete = CASCADING.test(String(row['on_delete']));
    const onUpdate = CASCADING.test(String(row['on_update']));
    if (!onDelete && !onUpdate) continue;
    const from = `\`${String(row['child_schema'])}\`.\`${String(row['child'])}\``;
    const id = `${from} ${String(row['name'])}`;
    const cascade = found.get(id) ?? { from, onDelete, onUpdate, columns: [] };
    cascade.columns.push(String(row['col']));
    found.set(id, cascade);
  }
  return [...found.values()];
}

function columnFact(row: Row): ColumnFact {
  const type = String(row['type']);
  const extra = text(row['extra']) ?? '';
  return {
    name: String(row['name']),
    type,
    charset: text(row['charset']),
    collation: text(row['collation']),
    unsigned: /\bunsigned\b/i.test(type) && !/^(?:enum|set)\b/i.test(type),
    generated: GENERATED.test(extra),
    nullable: row['nullable'] === 'YES',
    onUpdate: ON_UPDATE.test(extra),
  };
}

/** The primary key, else the unique key with the fewest columns that holds no NULL, no expression and no prefix. */
function chooseKey(rows: readonly Row[], columns: readonly ColumnFact[]): readonly number[] | undefined {
  const keys = new Map<string, number[] | undefined>();
  for (const { name, col, part } of rows) {
    const place = columns.findIndex((column) => column.name === col);
    const before = keys.has(String(name)) ? keys.get(String(name)) : [];
    const usable = before !== undefined && part === null && columns[place]?.nullable === false;
    keys.set(String(name), usable ? [...before, place] : undefined);
  }
  const primary = keys.get('PRIMARY');
  if (primary !== undefined) return primary;
  return [...keys.values()].filter((key) => key !== undefined).sort((a, b) => a.length - b.length)[0];
}

/** Names compare without regard to case there, which may find two tables. */
function exactly(rows: readonly Row[], schema: string, table: string): readonly Row[] {
  const same = rows.filter(({ s, t }) => s === schema && t === table);
  return same.length > 0 ? same : rows;
}

const text = (value: string | null | undefined): string | undefined => value ?? undefined;
