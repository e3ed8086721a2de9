import fc from 'fast-check';
import type { SampleType } from './every-type.ts';

/** Whose rows a script changes: they all have this `who`. */
export const TASK = 0;

/** Kinds of tables, by what tells their rows apart. */
export const KEYS = {
  keyed: 'PRIMARY KEY (tag)',
  composite: 'PRIMARY KEY (part, tag)',
  singular: 'UNIQUE KEY (tag)',
  keyless: 'KEY (tag)',
} as const;

export type TableName = keyof typeof KEYS;

const TABLES = Object.keys(KEYS) as TableName[];
/** Tags of a task's rows; those of others begin at 1000. */
const MAX_TAG = 8;

/** A table with a column of each type, generated columns, and one that the server sets at each update. */
export function createTable(name: TableName, types: readonly SampleType[]): string {
  const columns = types.map(({ type }, place) => `c${place} ${type} NULL`).join(', ');
  return `CREATE TABLE ${name} (tag INT NOT NULL, part VARCHAR(20) CHARACTER SET latin1 NOT NULL DEFAULT 'A', who INT NOT NULL, made VARCHAR(60) AS (CONCAT(part, tag)) STORED, touched TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), ${columns}, seen INT AS (tag * 2) VIRTUAL, ${KEYS[name]}, KEY (who))`;
}

interface Choice {
  readonly table: TableName;
  readonly other: TableName;
  readonly tag: number;
  readonly set: readonly string[];
}

/** A few columns with a value each, `null` too: `c3 = 0x00`. */
function assignments(types: readonly SampleType[]): fc.Arbitrary<string[]> {
  const one = fc.nat({ max: types.length - 1 }).chain((place) =>
    fc
      .oneof({ weight: 5, arbitrary: types[place]?.value ?? fc.constant('NULL') }, fc.constant('NULL'))
      .map((value) => ({
        place,
        sql: `c${place} = ${value}`,
      })),
  );
  return fc
    .uniqueArray(one, { minLength: 1, maxLength: 8, selector: ({ place }) => place })
    .map((all) => all.map(({ sql }) => sql));
}

const MAKERS: readonly ((choice: Choice) => string)[] = [
  ({ table, tag, set }) => `INSERT INTO ${table} SET who = ${TASK}, tag = ${tag}, ${set.join(', ')}`,
  ({ table, tag, set }) => `INSERT INTO ${table} SET who = ${TASK}, tag = ${tag + 1}, ${set.join(', ')}`,
  ({ table, tag, set }) =>
    `INSERT INTO ${table} SET who = ${TASK}, tag = ${tag}, part = 'Ä' ON DUPLICATE KEY UPDATE ${set.join(', ')}`,
  ({ table, tag, set }) => `REPLACE INTO ${table} SET who = ${TASK}, tag = ${tag}, ${set.join(', ')}`,
  ({ table, tag }) =>
    `INSERT IGNORE INTO ${table} (who, tag, part) VALUES (${TASK}, ${tag}, 'a'), (${TASK}, ${tag + 2}, 'b'), (${TASK}, ${tag + 2}, 'b')`,
  ({ table, other, tag }) =>
    `INSERT IGNORE INTO ${table} (who, tag, part, c0, c15) SELECT who, tag, 'sel', c0, c15 FROM ${other} WHERE who = ${TASK} AND tag <> ${tag}`,
  ({ table, tag, set }) => `UPDATE ${table} SET ${set.join(', ')} WHERE who = ${TASK} AND tag >= ${tag}`,
  ({ table, tag, set }) => `UPDATE ${table} SET ${set.join(', ')} WHERE who = ${TASK} AND tag = ${tag}`,
  ({ table, tag }) =>
    `UPDATE ${table} SET tag = tag + 20, part = UPPER(part) WHERE who = ${TASK} AND tag = ${tag} ORDER BY tag DESC`,
  ({ table, other, tag }) =>
    `UPDATE ${table} a JOIN ${other} b ON a.who = b.who AND a.tag = b.tag SET a.c1 = 7, b.part = CONCAT(LEFT(b.part, 10), '+') WHERE a.who = ${TASK} AND a.tag > ${tag}`,
  ({ table, tag }) => `DELETE FROM ${table} WHERE who = ${TASK} AND tag = ${tag}`,
  ({ table, tag }) => `DELETE FROM ${table} WHERE who = ${TASK} AND tag > ${tag} LIMIT 3`,
  ({ table, other, tag }) =>
    `DELETE a FROM ${table} a JOIN ${other} b ON a.who = b.who AND a.tag = b.tag WHERE a.who = ${TASK} AND a.tag = ${tag}`,
  ({ table, tag }) => `SELECT COUNT(*) FROM ${table} WHERE tag = ${tag}`,
  () => 'BEGIN',
  () => 'COMMIT',
  ({ table, tag }) => `BEGIN; DELETE FROM ${table} WHERE who = ${TASK} AND tag <> ${tag}; ROLLBACK`,
  ({ table, tag }) =>
    `BEGIN; SAVEPOINT s; DELETE FROM ${table} WHERE who = ${TASK} AND tag = ${tag}; ROLLBACK TO s; UPDATE ${table} SET part = 's' WHERE who = ${TASK} AND tag <> ${tag}; COMMIT`,
];

/** Statements that change rows of the task in all kinds of tables. Some fail: what is committed by then counts. */
export function randomScript(types: readonly SampleType[]): fc.Arbitrary<string> {
  const choice = fc.record({
    table: fc.constantFrom(...TABLES),
    other: fc.constantFrom(...TABLES),
    tag: fc.integer({ min: 0, max: MAX_TAG }),
    set: assignments(types),
  });
  const statement = fc.tuple(fc.constantFrom(...MAKERS), choice).map(([make, chosen]) => make(chosen));
  return fc.array(statement, { minLength: 1, maxLength: 40 }).map((all) => {
    const head = [`SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'`, `SET time_zone = '+05:30'`];
    return `${[...head, ...balanced(all)].join(';\n')};`;
  });
}

/** A BEGIN within a transaction commits it, and a text may not end in one. */
function balanced(statements: readonly string[]): string[] {
  let open = false;
  const kept = statements.filter((statement) => {
    if (statement === 'COMMIT' && !open) return false;
    if (statement === 'BEGIN') open = true;
    else if (statement === 'COMMIT' || statement.startsWith('BEGIN;')) open = false;
    return true;
  });
  return open ? [...kept, 'COMMIT'] : kept;
}
