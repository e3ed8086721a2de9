import type { Column } from '../sql/result-writer.ts';

/** What the server has read so far for one statement. */
export interface QueryProgress {
  readonly rows: number;
  readonly bytes: number;
  /** How many rows there are to read, as far as the server knows; 0: it does not. */
  readonly totalRows: number;
}

/** One statement to be executed, and where what it brings goes. */
export interface StatementRun {
  readonly text: string;
  /** The name of the query on the server. */
  readonly queryId: string;
  /** When it aborts, the query is ended on the server and `execute` rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether cells are for a table or for JSON. */
  readonly format: 'text' | 'json';
  /** Called once, before the rows, when the statement has an answer. */
  columns(columns: readonly Column[]): void;
  row(values: readonly unknown[]): Promise<void> | undefined;
  progress(progress: QueryProgress): void;
  /** Something that users should know and that is no failure. */
  note(level: 'info' | 'warn', message: string): void;
}

/** What a statement did. */
export interface StatementEnd {
  /** Rows written; undefined when the server does not tell. Without meaning for statements with an answer. */
  readonly written: number | undefined;
}

/**
 * One task's conversation with a server: what one statement sets, the next ones see.
 *
 * `execute` rejects with `ServerException`, `ConnectionError`, `ProtocolError`, `UnsupportedType`, `StatementError`, the
 * signal's reason, or what `row` rejects with; after that the session can only be released.
 */
export interface Session {
  /** For evidence: the protocol and the server's version. */
  readonly description: string;
  execute(run: StatementRun): Promise<StatementEnd>;
  release(): void;
}

/** Opens sessions with one target. */
export interface SessionPool {
  /** Rejects when the server cannot be reached, refuses the login, or the signal aborts. */
  open(signal: AbortSignal): Promise<Session>;
  close(): Promise<void>;
}
