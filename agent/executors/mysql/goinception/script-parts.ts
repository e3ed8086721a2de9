import type { SqlStatement } from '../../sql/split-statements.ts';
import { quoteName } from '../session/session.ts';
import { SqlTokens } from '../text/sql-tokens.ts';
import { isReadOnly, statementKind } from '../text/statement-kind.ts';

/** What is done at once: goInception's part of a text, or a statement that it refuses since it changes nothing. */
export type ScriptPart =
  | {
      readonly kind: 'block';
      readonly statements: readonly SqlStatement[];
      /** The database of the text at its beginning. */
      readonly database: string;
    }
  | { readonly kind: 'read'; readonly statement: SqlStatement; readonly database: string };

/** A statement that goInception would take for an order to itself. */
export class InceptionCommand extends Error {
  override readonly name = 'InceptionCommand';
  readonly statement: SqlStatement;

  constructor(statement: SqlStatement) {
    super('this is a command of goInception itself, which a task may not give');
    this.statement = statement;
  }
}

/**
 * How much of a text goInception is given at once. Its own bound for a statement that it sends on is 4 MiB
 * (`max_allowed_packet`), and the text comes back in the answer.
 */
export const MAX_BLOCK_BYTES = 4 * 1024 * 1024 - 64 * 1024;

/**
 * Groups the statements of a text: each part is sent when the one before it has succeeded. Rejects with
 * `InceptionCommand`, and with what reading the statements throws.
 */
export async function* scriptParts(
  statements: AsyncIterable<SqlStatement> | Iterable<SqlStatement>,
  database: string,
  maxBytes = MAX_BLOCK_BYTES,
): AsyncGenerator<ScriptPart> {
  let current = database;
  let block: SqlStatement[] = [];
  let blockDatabase = database;
  let bytes = 0;
  const take = (): ScriptPart => {
    const part: ScriptPart = { kind: 'block', statements: block, database: blockDatabase };
    [block, bytes] = [[], 0];
    return part;
  };
  for await (const statement of statements) {
    const { text } = statement;
    refuseCommand(statement);
    const kind = statementKind(text);
    if (isReadOnly(kind)) {
      if (block.length > 0) yield take();
      yield { kind: 'read', statement, database: current };
      continue;
    }
    const size = statementBytes(statement);
    if (block.length > 0 && bytes + size > maxBytes) yield take();
    if (block.length === 0) blockDatabase = current;
    block.push(statement);
    bytes += size;
    if (kind === 'use') current = usedDatabase(text) ?? current;
  }
  if (block.length > 0) yield take();
}

/** The beginning of a text of so many bytes, and what follows it: undefined when that was all. */
export async function readAhead(
  statements: AsyncGenerator<SqlStatement>,
  maxBytes = MAX_BLOCK_BYTES,
): Promise<{ readonly head: readonly SqlStatement[]; readonly rest: AsyncGenerator<SqlStatement> | undefined }> {
  const head: SqlStatement[] = [];
  for (let bytes = 0; bytes <= maxBytes;) {
    const next = await statements.next();
    if (next.done === true) return { head, rest: undefined };
    head.push(next.value);
    bytes += statementBytes(next.value);
  }
  return { head, rest: statements };
}

/** The text of one query to goInception, which ends a statement at a line's end with a semicolon; `database` may be empty. */
export function blockText(comment: string, database: string, statements: readonly SqlStatement[]): string {
  const lines = statements.map((statement) => {
    const text = spelledLineEnds(statement.text);
    // What may be a remark to the line's end would hide the semicolon.
    const lastLine = text.slice(text.lastIndexOf('\n') + 1);
    return `${text}${/--|#/.test(lastLine) ? '\n' : ''};\n`;
  });
  const use = database === '' ? '' : `use ${quoteName(database)};\n`;
  return `${comment}\ninception_magic_start;\n${use}${lines.join('')}inception_magic_commit;`;
}

/** It would end a statement as well where a line within a string ends with a semicolon: such line ends are escaped. */
function spelledLineEnds(text: string): string {
  if (!/;[^\S\n]*\n/.test(text)) return text;
  const tokens = new SqlTokens(text);
  let spelled = '';
  let done = 0;
  for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
    if (token.kind !== 'string') continue;
    const string = text.slice(token.start, token.end);
    spelled += text.slice(done, token.start);
    spelled += string.replaceAll(/\\[^]|\n/g, (found) => (found.endsWith('\n') ? '\\n' : found));
    done = token.end;
  }
  return spelled + text.slice(done);
}

const statementBytes = ({ text }: SqlStatement): number => Buffer.byteLength(text) + 3;

/** Also behind a semicolon, which only a DELIMITER can have left inside a statement. */
function refuseCommand(statement: SqlStatement): void {
  const tokens = new SqlTokens(statement.text);
  for (let begins = true; ;) {
    const { kind, text } = tokens.next();
    if (kind === 'end') return;
    if (begins && kind === 'word' && text.startsWith('INCEPTION')) throw new InceptionCommand(statement);
    if (!statement.text.includes(';')) return;
    begins = kind === 'symbol' && text === ';';
  }
}

function usedDatabase(text: string): string | undefined {
  const tokens = new SqlTokens(text);
  tokens.next();
  const { kind, text: name, start, end } = tokens.next();
  if (kind === 'name') return name;
  return kind === 'word' || kind === 'number' ? text.slice(start, end) : undefined;
}
