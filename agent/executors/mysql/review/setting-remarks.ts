import { remark } from './remark.ts';
import type { Remark } from './remark.ts';
import type { StatementTokens } from './statement-tokens.ts';

const OFF = /^(?:0|OFF|FALSE)$/i;

/** What a SET changes beyond the task's own session, or what it hides. */
export function settingRemarks(tokens: StatementTokens): Remark[] {
  if (tokens.word(0) !== 'SET') return [];
  const found: Remark[] = [];
  if (isGlobal(tokens)) found.push(remark('SetGlobal', 1, 'the setting is for the whole server, and stays'));
  const off = (name: string): boolean => switchedOff(tokens, name);
  if (off('sql_log_bin'))
    found.push(
      remark(
        'BinlogOff',
        1,
        'sql_log_bin = 0: replicas do not get the changes, and they can be neither backed up nor rolled back',
      ),
    );
  if (off('foreign_key_checks'))
    found.push(remark('ForeignKeysOff', 1, 'foreign_key_checks = 0: rows may refer to what is not there'));
  return found;
}

function isGlobal(tokens: StatementTokens): boolean {
  return tokens.list.some(({ kind, text, dotted }, index) => {
    if (kind === 'variable') return /^@@(?:global|persist|persist_only)\./i.test(text);
    const begins = index === 1 || tokens.isSymbol(index - 1, ',');
    return begins && kind === 'word' && !dotted && /^(?:GLOBAL|PERSIST|PERSIST_ONLY)$/.test(text);
  });
}

/** Whether a variable is set to nothing, in any of the ways to name it. */
function switchedOff(tokens: StatementTokens, name: string): boolean {
  return tokens.list.some((token, index) => {
    const written = token.text.replace(/^@@(?:(?:session|local|global)\.)?/i, '').toLowerCase();
    if (written !== name || (token.kind !== 'word' && token.kind !== 'variable' && token.kind !== 'name')) return false;
    const behind = tokens.isSymbol(index + 1, ':') ? index + 3 : index + 2;
    return OFF.test(tokens.at(behind)?.text ?? '');
  });
}
