import type { RollbackText } from '../script/order-lines.ts';
import { quoteName } from '../session/session.ts';
import { shapeOf } from '../review/statement-shape.ts';
import { quoteTable } from './quote.ts';

/** What a rollback makes of a statement that is no change of rows: it leaves it as it is. */
export interface DefinitionRemark {
  /** For its report. */
  readonly rollback: RollbackText;
  /** Why a rollback of the task cannot bring back the rows; undefined: it can. */
  readonly inexact: string | undefined;
}

const MAX_READ_CHARS = 64 * 1024;
/** What ALTER TABLE drops without a loss of rows or values. */
const HARMLESS_DROP =
  /\bDROP\s+(?:INDEX|KEY|PRIMARY\s+KEY|FOREIGN\s+KEY|CONSTRAINT|CHECK|DEFAULT|SYSTEM\s+VERSIONING)\b/gi;
const LOSING = /\b(?:DROP|TRUNCATE|MODIFY|CHANGE|CONVERT|RENAME|EXCHANGE|DISCARD|COALESCE)\b/i;

/** For a statement of kind `ddl`. */
export function definitionRemark(text: string): DefinitionRemark {
  const { verb, tables, tokens } = shapeOf(text.slice(0, MAX_READ_CHARS));
  const none = (message: string): RollbackText => ({ sql: '', exact: false, message });
  switch (verb) {
    case 'CREATE TABLE': {
      const [created] = tables.filter(({ use }) => use === 'create');
      // MariaDB's CREATE OR REPLACE TABLE drops the table that there was.
      if (tokens.word(1) === 'OR') return lost('CREATE OR REPLACE TABLE removes rows that are not kept');
      if (created === undefined || hasWord(tokens, 'EXISTS'))
        return { rollback: none('the table may have been there before'), inexact: undefined };
      const { schema, name } = created;
      const table = schema === undefined ? quoteName(name) : quoteTable(schema, name);
      const message = 'only by hand: it drops whatever rows the table has by then';
      return { rollback: { sql: `DROP TABLE ${table}`, exact: false, message }, inexact: undefined };
    }
    case 'DROP TABLE':
    case 'DROP DATABASE':
    case 'TRUNCATE TABLE':
      return lost(`${verb} removes rows that are not kept`);
    case 'RENAME TABLE':
      return lost('a rollback uses the names that tables had when their rows were changed');
    case 'ALTER TABLE':
      if (LOSING.test(text.slice(0, MAX_READ_CHARS).replaceAll(HARMLESS_DROP, '')))
        return lost('ALTER TABLE may remove or change values that are not kept');
  }
  return { rollback: none(`${verb === '' ? 'it' : verb} is not undone`), inexact: undefined };
}

const lost = (message: string): DefinitionRemark => ({
  rollback: { sql: '', exact: false, message },
  inexact: message,
});

function hasWord(tokens: ReturnType<typeof shapeOf>['tokens'], word: string): boolean {
  return tokens.find(new Set([word]), 0, 0) >= 0;
}
