import type { ClientSession, Db, Document } from 'mongodb';
import type { DocumentSink } from '../sql/result-writer.ts';
import type { ServerFacts } from './mongo-pool.ts';

/** Takes the documents that an operation finds, one by one; a promise holds the operation back. */
export interface FoundDocuments {
  readonly sink: DocumentSink;
  add(document: Document): Promise<void> | undefined;
  readonly count: number;
}

/** What an operation needs to be executed. */
export interface OperationRun {
  readonly database: Db;
  readonly session: ClientSession;
  readonly facts: ServerFacts;
  /** Marks everything that the server does for this run. */
  readonly comment: string;
  /** Aborted when no more is to be sent. */
  readonly stop: AbortSignal;
  /** Aborted when what has been sent is to be given up: its connection is closed. */
  readonly giveUp: AbortSignal;
  /** How long the server may take, in milliseconds, from now. */
  remainingMs(): number;
  /** Whether what is found must tell an int32 from a double. */
  readonly exactTypes: boolean;
  /** Where what is found goes. */
  found(): FoundDocuments;
  /** Says which part of the operation is next: `documents 1001 to 2000`. */
  progress(part: string): void;
}

/** What an operation did. */
export interface OperationCounts {
  /** Inserted, changed, deleted, found or counted; undefined where documents are of no concern. */
  readonly documents?: number;
  /** Of an update, where it is not the same as `documents`. */
  readonly matched?: number;
  readonly upserted?: number;
  /** Of an index. */
  readonly index?: string;
  readonly found?: FoundDocuments;
}

/** The server did not do, or not all of, what an operation asks for. */
export class OperationFailed extends Error {
  override readonly name = 'OperationFailed';
}

/** What every command of a run carries. */
const withBounds = (run: OperationRun, command: Document): Document => ({
  ...command,
  ...(run.facts.comments ? { comment: run.comment } : {}),
  maxTimeMS: run.remainingMs(),
});

/** Sends a command. Commands are never sent twice: the driver retries none that is given to it whole. */
export async function send(run: OperationRun, command: Document): Promise<Document> {
  run.stop.throwIfAborted();
  return run.database.command(withBounds(run, command), { session: run.session, signal: run.giveUp });
}
