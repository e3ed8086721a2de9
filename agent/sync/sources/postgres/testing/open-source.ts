import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { readChunks } from '../../../conformance/world-rows.ts';
import type { SnapshotChunk } from '../../../snapshot.ts';
import type { Source, SourceConfig } from '../../../source.ts';
import type { SourcePosition } from '../../../stream-entry.ts';
import { postgresDriver } from '../index.ts';
import type { PostgresWorld } from './postgres-world.ts';

/** A source of a test's database, with the slot of a SyncTask of its own. */
export class OpenSource {
  readonly source: Source;
  readonly config: SourceConfig;
  readonly taskUid: string;

  constructor(world: PostgresWorld, changes: Partial<SourceConfig> = {}, taskUid: string = randomUUID()) {
    this.config = world.config(changes);
    this.taskUid = taskUid;
    this.source = postgresDriver.open(this.config, { logger: pino({ level: 'silent' }), stateFolder: '', taskUid });
  }

  /** All of a snapshot. */
  async chunks(rows = 100, after?: SourcePosition): Promise<SnapshotChunk[]> {
    const reader = await this.source.openSnapshot({ wanted: undefined, after }, new AbortController().signal);
    try {
      return await readChunks(reader, rows);
    } finally {
      await reader.close();
    }
  }

  /** Closes it, and drops its slot. */
  async close(): Promise<void> {
    await this.source.close();
    await postgresDriver.forget?.(this.config, this.taskUid, AbortSignal.timeout(20_000));
  }
}
