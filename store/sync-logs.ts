/** A line to keep. */
export interface NewSyncLogLine {
  /** Counts the sender's lines; rises within a batch. */
  readonly n: number;
  /** An ISO time. */
  readonly ts: string;
  readonly level: string;
  /** Who speaks. */
  readonly source: string;
  readonly msg: string;
}

/** A line as it was kept. */
export interface SyncLogLine extends Omit<NewSyncLogLine, 'n'> {
  /** Rises with every line that is kept, of all senders. */
  readonly lineNumber: number;
}

export interface SyncLogQuery {
  /** At least 1. */
  readonly limit: number;
  /** In capitals. */
  readonly level?: string | undefined;
  /** How `source` begins. */
  readonly component?: string | undefined;
  /** Only lines with lower numbers. */
  readonly beforeLine?: number | undefined;
}

/** The newest lines about syncs, of all agents and of the API. Implementations pass `describeSyncLogs`. */
export interface SyncLogs {
  /** Keeps the lines whose numbers are above those that the sender has sent before; resolves once they survive a crash. */
  append(sender: string, lines: readonly NewSyncLogLine[]): Promise<void>;
  /** Newest first. */
  list(query: SyncLogQuery): readonly SyncLogLine[];
}
