import { alterActions } from './alter-actions.ts';
import { isAlwaysTrue } from './always-true.ts';
import { remark } from './remark.ts';
import type { Remark } from './remark.ts';
import { settingRemarks } from './setting-remarks.ts';
import type { StatementShape } from './statement-shape.ts';
import { readName } from './table-references.ts';
import { nameOf } from './table-use.ts';

/** Where in its script a statement stands. */
export interface Place {
  /** The text's own transaction is open. */
  readonly inTransaction: boolean;
}

const ACCOUNT = /^(?:GRANT|REVOKE|(?:CREATE|ALTER|DROP|RENAME) (?:USER|ROLE))$/;
const PROGRAM = /^DROP (?:PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE|SEQUENCE)$/;
const ADMINISTRATION =
  /^(?:SHUTDOWN|RESTART|KILL|PURGE|RESET|CHANGE|START|STOP|INSTALL|UNINSTALL|CLONE|ALTER INSTANCE|(?:CREATE|ALTER|DROP) (?:SERVER|TABLESPACE|LOGFILE|UNDO|RESOURCE))$/;
const COMMITS = new Set(['ddl', 'lock']);

/** What its text alone says against a statement: of no server, and cheap. */
export function textRemarks(shape: StatementShape, { inTransaction }: Place): Remark[] {
  const { kind, verb, tokens } = shape;
  const found = [...byVerb(shape)];
  if (kind === 'set') found.push(...settingRemarks(tokens));
  if (inTransaction && (COMMITS.has(kind) || kind === 'begin'))
    found.push(
      remark('ImplicitCommit', 1, `${verb === '' ? 'the statement' : verb} commits what its transaction did before it`),
    );
  if (tokens.cut && shape.listed === undefined && !/^(?:INSERT|REPLACE)$/.test(verb))
    found.push(remark('PartlyRead', 1, 'the statement is longer than 1 MiB: only its begin was reviewed'));
  return found;
}

function byVerb(shape: StatementShape): Remark[] {
  const { kind, verb, tables } = shape;
  if (ACCOUNT.test(verb) || /^SET (?:PASSWORD|DEFAULT ROLE)$/.test(verbOfSet(shape)))
    return [remark('AccountChange', 1, `${verb} changes accounts or their rights`)];
  if (PROGRAM.test(verb)) return [remark('DropProgram', 1, `${verb}: no backup keeps it`)];
  if (ADMINISTRATION.test(verb) && kind !== 'begin')
    return [remark('ServerAdministration', 1, `${verb} is about the whole server`)];
  const list = tables.map(nameOf).join(', ');
  switch (verb) {
    case 'UPDATE':
    case 'DELETE':
      return changeRemarks(shape);
    case 'DROP DATABASE':
      return [remark('DropDatabase', 1, 'every table of the database goes with it, and no backup keeps them')];
    case 'DROP TABLE':
      return kind === 'set' ? [] : [remark('DropTable', 1, `the rows of ${list} go with it, and no backup keeps them`)];
    case 'DROP VIEW':
      return [remark('DropView', 1, `no backup keeps the definition of ${list}`)];
    case 'TRUNCATE TABLE':
      return [remark('Truncate', 1, `every row of ${list} goes, and no backup keeps them`)];
    case 'RENAME TABLE':
      return [remark('RenameTable', 1, 'who uses the old name finds nothing any more')];
    case 'CREATE TABLE':
      return createRemarks(shape);
    case 'ALTER TABLE':
      return alterRemarks(shape);
    case 'LOAD DATA':
    case 'LOAD XML':
      return loadRemarks(shape);
    case 'CALL':
    case 'EXECUTE':
    case 'BINLOG':
      return [remark('HiddenChanges', 1, `what ${verb} does cannot be seen in the text`)];
    default:
      return kindRemarks(shape);
  }
}

function kindRemarks({ kind, verb, tokens }: StatementShape): Remark[] {
  if (kind === 'call') return [remark('HiddenChanges', 1, 'a program: what it does is not reviewed')];
  if (kind === 'xa')
    return [remark('XaTransaction', 1, 'a prepared XA transaction holds its locks until somebody ends it')];
  if (kind === 'lock' && tokens.word(0) !== 'UNLOCK')
    return [remark('LocksTables', 1, 'others wait until the locks are freed, at the latest at the end of the task')];
  if (kind === 'other' && /^(?:SELECT|WITH|TABLE|VALUES)$/.test(verb))
    return [remark('SelectIntoOutfile', 1, 'the rows go to a file on the server, not to the result')];
  return [];
}

const verbOfSet = ({ tokens }: StatementShape): string =>
  tokens.word(0) === 'SET' ? `SET ${tokens.word(1)}${tokens.word(2) === 'ROLE' ? ' ROLE' : ''}` : '';

function changeRemarks({ verb, tokens, narrowing, tables }: StatementShape): Remark[] {
  if (narrowing === undefined) return [];
  const { where, hasLimit, ordered, joined } = narrowing;
  const changed = tables
    .filter(({ use }) => use === 'change')
    .map(nameOf)
    .join(', ');
  const found: Remark[] = [];
  if (where === undefined && !hasLimit && !joined && !tokens.cut)
    found.push(remark('NoWhere', 1, `${verb} without WHERE is for every row of ${changed}`));
  if (where !== undefined && isAlwaysTrue(tokens, ...where))
    found.push(remark('AlwaysTrueWhere', 1, `WHERE is true of every row of ${changed}`));
  if (hasLimit && !ordered)
    found.push(remark('LimitWithoutOrder', 1, 'LIMIT without ORDER BY: which rows it takes is not determined'));
  return found;
}

/** Where the name of the table that is made or changed ends; -1: there is none. */
function behindTable({ tokens }: StatementShape): number {
  const table = tokens.find(new Set(['TABLE', 'TABLES']), 0, 0);
  let index = table + 1;
  if (tokens.word(index) === 'IF') index += tokens.word(index + 1) === 'NOT' ? 3 : 2;
  return (table < 0 ? undefined : readName(tokens, index)?.next) ?? -1;
}

function createRemarks(shape: StatementShape): Remark[] {
  const { tokens, kind, tables } = shape;
  const from = behindTable(shape);
  if (tokens.word(1) === 'OR' && kind === 'ddl') {
    const list = tables
      .filter(({ use }) => use === 'create')
      .map(nameOf)
      .join(', ');
    return [remark('DropTable', 1, `a ${list} that is there goes with its rows, and no backup keeps them`)];
  }
  // LIKE and SELECT take what the other table has; a temporary one is nobody else's.
  if (from < 0 || kind === 'set' || tables.length !== 1 || !tokens.isSymbol(from, '(')) return [];
  const hasKey = tokens.list.some((_, index) => {
    const word = tokens.word(index);
    return word === 'PRIMARY' || (word === 'UNIQUE' && index > from) || word === 'SERIAL';
  });
  return hasKey
    ? []
    : [remark('NoPrimaryKey', 1, 'the table has no primary key: its rows cannot be told apart, and replicas are slow')];
}

function alterRemarks(shape: StatementShape): Remark[] {
  const from = behindTable(shape);
  if (from < 0) return [];
  const actions = alterActions(shape.tokens, from);
  return actions.flatMap((item) => {
    switch (item.action) {
      case 'dropColumn':
        return remark(
          'AlterDropsColumn',
          1,
          `the values of column ${item.column} go with it, and no backup keeps them`,
        );
      case 'losesPartition':
        return remark('DropPartition', 1, `${item.how}: the rows of the partition go with it`);
      case 'dropPrimaryKey':
        return actions.some(({ action }) => action === 'addPrimaryKey')
          ? []
          : remark('NoPrimaryKey', 1, 'the table has no primary key after it');
      case 'rename':
        return remark('RenameTable', 1, 'who uses the old name finds nothing any more');
      case 'engine':
        return /^(?:innodb|rocksdb|tokudb)$/i.test(item.engine)
          ? []
          : remark('NotInnoDB', 1, `the engine ${item.engine} has no transactions`);
      case 'discard':
        return remark('Truncate', 1, 'every row of the table goes');
      default:
        return [];
    }
  });
}

function loadRemarks({ tokens, verb }: StatementShape): Remark[] {
  if (tokens.find(new Set(['LOCAL']), 0, 0) === 2)
    return [remark('LoadData', 2, `${verb} LOCAL is refused: a task has no files that a server may ask for`)];
  return [remark('LoadData', 1, `${verb} reads a file of the server, which the review does not see`)];
}
