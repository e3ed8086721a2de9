import type { NewSyncLogLine, SyncLogLine, SyncLogQuery, SyncLogs } from '../sync-logs.ts';
import type { Database } from './database.ts';

/** Older lines go. Some 40 MB; a search through all of them takes a tenth of a second. */
const MAX_LINES = 200_000;
const SENDER_TTL_MS = 7 * 24 * 3600 * 1000;

interface Row {
  line: number;
  ts: string;
  level: string;
  source: string;
  msg: string;
}

export class SqliteSyncLogs implements SyncLogs {
  readonly #db: Database;
  readonly #maxLines: number;

  constructor(db: Database, maxLines = MAX_LINES) {
    this.#db = db;
    this.#maxLines = maxLines;
  }

  append(sender: string, lines: readonly NewSyncLogLine[]): Promise<void> {
    return this.#db.write(() => {
      const db = this.#db;
      const known = db.prepare('SELECT last FROM sync_log_sender WHERE sender = ?').get(sender) as
        { last: number } | undefined;
      const fresh = lines.filter(({ n }) => n > (known?.last ?? 0));
      const last = fresh.at(-1)?.n;
      if (last === undefined) return;
      const insert = db.prepare('INSERT INTO sync_log (ts, level, source, msg) VALUES (?, ?, ?, ?)');
      let newest = 0;
      for (const { ts, level, source, msg } of fresh)
        newest = Number(insert.run(ts, level, source, msg).lastInsertRowid);
      db.prepare('INSERT OR REPLACE INTO sync_log_sender (sender, last, seen_at) VALUES (?, ?, ?)').run(
        sender,
        last,
        Date.now(),
      );
      db.prepare('DELETE FROM sync_log WHERE line <= ?').run(newest - this.#maxLines);
      db.prepare('DELETE FROM sync_log_sender WHERE seen_at < ?').run(Date.now() - SENDER_TTL_MS);
    });
  }

  list({ limit, level, component, beforeLine }: SyncLogQuery): readonly SyncLogLine[] {
    const rows = this.#db
      .prepare(
        `SELECT line, ts, level, source, msg FROM sync_log
          WHERE line < ? AND (? IS NULL OR level = ?) AND substr(source, 1, length(?)) = ? ORDER BY line DESC LIMIT ?`,
      )
      .all(
        beforeLine ?? Number.MAX_SAFE_INTEGER,
        level ?? null,
        level ?? null,
        component ?? '',
        component ?? '',
        limit,
      ) as unknown as Row[];
    return rows.map(({ line, ts, level: shown, source, msg }) => ({ lineNumber: line, ts, level: shown, source, msg }));
  }
}
