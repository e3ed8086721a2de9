import { isIPv6 } from 'node:net';

/** What goInception is told of one text: where it goes, and what is done with it. */
export interface InceptionOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** `required`: encrypted, whoever answers. Undefined: as the server and goInception agree. */
  readonly ssl?: 'required';
  /** `check`: the text is audited and nothing of it is executed. */
  readonly mode: 'check' | 'execute';
  readonly backup: boolean;
  /** Statements that change rows, in one transaction; undefined: each is on its own. */
  readonly trans?: number;
  readonly sleepMs: number;
}

/** goInception's own bound: it counts the time down itself. */
export const MAX_SLEEP_MS = 100_000;

/**
 * The comment that precedes `inception_magic_start`. goInception cuts it at semicolons, deletes the letters `remote`
 * wherever they stand, and reads what is left as YAML, which turns `0123` into 83; spelled as code points, a value comes
 * through as it is.
 */
export function optionComment(options: InceptionOptions): string {
  const { port, mode, backup, trans, sleepMs, ssl } = options;
  // It puts host and port together with a colon.
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host;
  const parts = [
    `--host=${quoted(host)}`,
    `--port=${port}`,
    `--user=${quoted(options.user)}`,
    `--password=${quoted(options.password)}`,
    ...(ssl === undefined ? [] : [`--ssl=${ssl}`]),
    ...(mode === 'check' ? ['--check=1'] : ['--execute=1', `--backup=${backup ? 1 : 0}`, '--ignore-warnings=1']),
    ...(trans === undefined || trans <= 1 ? [] : [`--trans=${trans}`]),
    ...(sleepMs <= 0 ? [] : [`--sleep=${Math.min(sleepMs, MAX_SLEEP_MS)}`, '--sleep-rows=1']),
  ];
  // A space after a semicolon would be a part of the next name.
  return `/*${parts.join(';')};*/`;
}

const quoted = (value: string): string => `"${spelled(value)}"`;

/** A value by its code points. Of a lone surrogate, which no server can have been given, U+FFFD is left. */
export function spelled(value: string): string {
  const codes = Array.from(value.toWellFormed(), (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
  return codes.join('');
}
