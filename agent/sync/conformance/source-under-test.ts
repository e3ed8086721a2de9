import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ActionInput } from '../driver-action.ts';
import type { Source, SourceConfig, SourceDriver, SourceTools } from '../source.ts';
import type { Row } from '../sync-event.ts';
import { WorldRows } from './world-rows.ts';

/** A driver with a place on a real server, or on disk, that is one test's own and empty in the beginning. */
export interface SourceWorld {
  readonly driver: SourceDriver;
  readonly config: SourceConfig;
  /** Writes the row of a key, new or not, and resolves when it has happened. Versions of a key rise. */
  put(key: number, version: number): Promise<void>;
  /** Deletes the row of a key. Undefined: the source cannot tell of deletions. */
  readonly remove?: (key: number) => Promise<void>;
  keyOf(row: Row): number;
  /** Also of the row of a deletion, when it has one. */
  versionOf(row: Row): number;
  /** The name of the field that `versionOf` reads, as mappings have it. Undefined: the source leaves out nothing. */
  readonly versionField?: string;
  /** Whether changes of one row that follow each other may come as one. */
  readonly coalesces: boolean;
  /** Whether an index is always the same after a new beginning from the same checkpoint, as those of logs are. */
  readonly indexesRepeat: boolean;
  /** Makes all positions that were given until now lost, with no source open. Undefined: there are none to lose. */
  readonly losePositions?: (tools: SourceTools) => Promise<void>;
  /** The same place with a login that is refused; its secret must not be told. */
  readonly refused?: SourceConfig;
  /** What nobody listens at. */
  readonly unreachable?: SourceConfig;
  /** What wizards would send; all actions of the driver succeed with it, in the wizard's order. */
  readonly actionInput?: ActionInput;
  close(): Promise<void>;
}

/** Opens sources of one world as agents do, one after the other, for the same SyncTask. */
export class SourceUnderTest {
  readonly world: SourceWorld;
  readonly rows: WorldRows;
  readonly tools: SourceTools;
  readonly #opened: Source[] = [];

  constructor(world: SourceWorld) {
    this.world = world;
    this.rows = new WorldRows(world);
    const stateFolder = mkdtempSync(join(tmpdir(), 'tiangong-source-test-'));
    this.tools = { logger: pino({ level: 'silent' }), stateFolder, taskUid: randomUUID() };
  }

  open(config = this.world.config): Source {
    const source = this.world.driver.open(config, this.tools);
    this.#opened.push(source);
    return source;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((source) => source.close()));
    await this.world.driver.forget?.(this.world.config, this.tools.taskUid, AbortSignal.timeout(20_000));
    await this.world.close();
    rmSync(this.tools.stateFolder, { recursive: true, force: true });
  }
}
