import type { StatementTokens } from './statement-tokens.ts';
import { readName } from './table-references.ts';

/** One part of an ALTER TABLE that the review looks at. */
export type AlterAction =
  | { readonly action: 'dropColumn'; readonly column: string }
  /** `from` is what the column was called. `type` is what stands behind its new name. */
  | { readonly action: 'changeColumn'; readonly column: string; readonly type: string }
  | { readonly action: 'losesPartition'; readonly how: string }
  | { readonly action: 'dropPrimaryKey' }
  | { readonly action: 'addPrimaryKey' }
  | { readonly action: 'charset'; readonly charset: string }
  | { readonly action: 'rename' }
  | { readonly action: 'engine'; readonly engine: string }
  | { readonly action: 'discard' };

const NO_COLUMN = /^(?:INDEX|KEY|PRIMARY|FOREIGN|CONSTRAINT|CHECK|PARTITION|SYSTEM|PERIOD)$/;

/** The parts of an ALTER TABLE whose table's name ends before `from`. */
export function alterActions(tokens: StatementTokens, from: number): AlterAction[] {
  const found: AlterAction[] = [];
  let start = from;
  for (let index = from; index <= tokens.length; index += 1) {
    const ends = index === tokens.length || (tokens.depth(index) === 0 && tokens.isSymbol(index, ','));
    if (!ends) continue;
    const action = actionOf(tokens, start, index);
    if (action !== undefined) found.push(action);
    start = index + 1;
  }
  return found;
}

function actionOf(tokens: StatementTokens, from: number, to: number): AlterAction | undefined {
  const [first, second] = [tokens.word(from), tokens.word(from + 1)];
  switch (first) {
    case 'DROP':
      if (second === 'PARTITION') return { action: 'losesPartition', how: 'DROP PARTITION' };
      if (second === 'PRIMARY') return { action: 'dropPrimaryKey' };
      return NO_COLUMN.test(second) ? undefined : droppedColumn(tokens, from + 1);
    case 'TRUNCATE':
    case 'EXCHANGE':
      return second === 'PARTITION' ? { action: 'losesPartition', how: `${first} PARTITION` } : undefined;
    case 'MODIFY':
    case 'CHANGE':
      return changedColumn(tokens, from, to);
    case 'ADD':
      return tokens.find(new Set(['PRIMARY']), from, 0, to) >= 0 ? { action: 'addPrimaryKey' } : undefined;
    case 'CONVERT': {
      const charset = readName(tokens, from + (tokens.word(from + 2) === 'CHARACTER' ? 4 : 3));
      return charset && { action: 'charset', charset: charset.name };
    }
    case 'RENAME':
      return /^(?:COLUMN|INDEX|KEY)$/.test(second) ? undefined : { action: 'rename' };
    case 'ENGINE': {
      const engine = readName(tokens, tokens.isSymbol(from + 1, '=') ? from + 2 : from + 1);
      return engine && { action: 'engine', engine: engine.name };
    }
    case 'DISCARD':
      return { action: 'discard' };
    default:
      return undefined;
  }
}

/** Where the name of a column stands, behind what may stand before it. */
function columnAt(tokens: StatementTokens, from: number): number {
  const index = tokens.word(from) === 'COLUMN' ? from + 1 : from;
  return tokens.word(index) === 'IF' && tokens.word(index + 1) === 'EXISTS' ? index + 2 : index;
}

function droppedColumn(tokens: StatementTokens, from: number): AlterAction | undefined {
  const column = readName(tokens, columnAt(tokens, from));
  return column && { action: 'dropColumn', column: column.name };
}

function changedColumn(tokens: StatementTokens, from: number, to: number): AlterAction | undefined {
  const old = readName(tokens, columnAt(tokens, from + 1));
  if (old === undefined) return undefined;
  const isNew = tokens.word(from) === 'CHANGE';
  const renamed = isNew ? readName(tokens, old.next) : old;
  return renamed && { action: 'changeColumn', column: old.name, type: tokens.slice(renamed.next, to) };
}
