import { SourceError } from '../../source.ts';
import type { SnapshotStart, Source, SourceTools, StreamStart, WantedFields } from '../../source.ts';
import type { SnapshotReader } from '../../snapshot.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { fromPosition } from './log/log-index.ts';
import { slotOf } from './server/postgres-config.ts';
import type { PostgresConfig } from './server/postgres-config.ts';
import { toSourceError, toStreamError } from './server/postgres-error.ts';
import { ensurePublication, hasPublication } from './tables/publication.ts';
import { Queries } from './server/queries.ts';
import { ReplicationLink } from './log/replication-link.ts';
import { PostgresSnapshot } from './snapshot.ts';
import { SnapshotTable } from './snapshot/snapshot-table.ts';
import { streamChanges } from './stream.ts';
import { readTables } from './tables/table-catalog.ts';
import { TypeCatalog } from './values/type-catalog.ts';
import { Visibility } from './snapshot/visibility.ts';

/** A database of PostgreSQL 13 or later: its log by logical replication, its tables by their keys. */
export class PostgresSource implements Source {
  readonly #config: PostgresConfig;
  readonly #tools: SourceTools;
  readonly #queries: Queries;
  readonly #types: TypeCatalog;
  readonly #visibility: Visibility;
  readonly #snapshots = new Set<Queries>();
  #link: ReplicationLink | undefined;
  #expected = 0;
  #closed = false;

  constructor(config: PostgresConfig, tools: SourceTools) {
    this.#config = config;
    this.#tools = tools;
    this.#queries = new Queries(config.target);
    this.#types = new TypeCatalog(this.#queries);
    this.#visibility = new Visibility(this.#queries, tools.logger);
  }

  async *stream(
    start: StreamStart,
    wanted: WantedFields,
    signal: AbortSignal,
  ): AsyncGenerator<readonly StreamEntry[], void> {
    const { target } = this.#config;
    let link: ReplicationLink | undefined;
    try {
      if (this.#closed) throw new Error('the source is closed');
      link = await ReplicationLink.open(target);
      link.expect(this.#expected);
      this.#link = link;
      const parts = { config: this.#config, queries: this.#queries, types: this.#types, visibility: this.#visibility };
      const { logger, taskUid } = this.#tools;
      yield* streamChanges({ ...parts, link, logger, slotName: slotOf(taskUid) }, start, wanted, signal);
    } catch (err) {
      if (!signal.aborted)
        throw start.checkpoint === undefined ? toSourceError(err, target) : toStreamError(err, target);
    } finally {
      if (this.#link === link) this.#link = undefined;
      await link?.close();
    }
  }

  async openSnapshot({ wanted, after }: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader> {
    const { target, publication } = this.#config;
    try {
      if (this.#closed) throw new Error('the source is closed');
      // Else there would seem to be no tables.
      if (!(await hasPublication(this.#queries, this.#config))) await ensurePublication(this.#queries, this.#config);
      if (after !== undefined) await this.#visibility.settled(signal);
      const tables: SnapshotTable[] = [];
      for (const table of await readTables(this.#queries, publication)) {
        const found = await SnapshotTable.of(table, wanted, this.#types);
        if (found === undefined) continue;
        if (table.key.length === 0 && table.isPartitioned)
          throw new SourceError(
            'TableWithoutKey',
            `${table.schema}.${table.table} is partitioned and has no primary key: a snapshot cannot read it`,
            { retryable: false },
          );
        tables.push(found);
      }
      return this.#openSnapshot(tables);
    } catch (err) {
      signal.throwIfAborted();
      throw toSourceError(err, target);
    }
  }

  async release(position: SourcePosition): Promise<void> {
    const place = fromPosition(position);
    if (place !== undefined) this.#link?.release(place.lsn);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#link?.close();
    await Promise.all([this.#queries, ...this.#snapshots].map((queries) => queries.close()));
  }

  #openSnapshot(tables: readonly SnapshotTable[]): SnapshotReader {
    const queries = new Queries(this.#config.target);
    this.#snapshots.add(queries);
    const onBound = (lsn: number): void => {
      this.#expected = lsn;
      this.#link?.expect(lsn);
    };
    const toError = (err: unknown): Error => toSourceError(err, this.#config.target);
    const snapshot = new PostgresSnapshot({ queries, tables, onBound, toError });
    return {
      next: (after, rows, signal) => snapshot.next(after, rows, signal),
      close: () => {
        this.#snapshots.delete(queries);
        return snapshot.close();
      },
    };
  }
}
