import { pino } from 'pino';
import type { Logger } from 'pino';
import { LogBuses } from '../../bus/log-buses.ts';
import type { FieldMapping } from '../../mapping/field-mapping.ts';
import type { Pusher, PusherConfig } from '../../pusher.ts';
import type { Source, SourceConfig } from '../../source.ts';
import { Pipeline } from '../pipeline.ts';
import type { EarlierReport, PipelineTimes } from '../pipeline-options.ts';
import type { PipelineEnd, PipelineReport } from '../pipeline-report.ts';

export interface WorldOptions {
  readonly source: Source;
  readonly pusher: Pusher;
  readonly sourceConfig?: Partial<SourceConfig>;
  readonly pusherConfig?: Partial<PusherConfig>;
  readonly onPositionLost?: 'Snapshot' | 'Fail' | 'SkipToLatest';
  readonly fieldsMapping?: readonly FieldMapping[];
  readonly times?: Partial<PipelineTimes>;
  readonly mayOpenSession?: () => Promise<boolean>;
  readonly logger?: Logger;
  /** What a change waits for before it is written; at once unless set. */
  readonly beforeWrite?: () => Promise<void>;
}

const NOTHING: EarlierReport = { checkpoints: [], snapshot: undefined, positionLoss: undefined };

/** One SyncTask: runs its pipelines one after the other, and keeps what they report as a status would. */
export class PipelineWorld {
  readonly #options: WorldOptions;
  readonly #buses: LogBuses;
  /** What stands in the status. */
  status: EarlierReport = NOTHING;
  pipeline: Pipeline;
  #stop = new AbortController();
  #end: Promise<PipelineEnd> = Promise.resolve({ kind: 'Stopped' });

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#buses = new LogBuses(options.source, this.#logger);
    this.pipeline = this.#new();
  }

  get report(): PipelineReport {
    return this.pipeline.report();
  }

  /** How the pipeline that runs or ran last ends. */
  get end(): Promise<PipelineEnd> {
    return this.#end;
  }

  start(): void {
    this.#stop = new AbortController();
    const pipeline = this.#new();
    this.pipeline = pipeline;
    const write = (): void => {
      if (this.pipeline === pipeline) this.write();
    };
    pipeline.onChange(() => {
      if (this.#options.beforeWrite === undefined) write();
      else void this.#options.beforeWrite().then(write);
    });
    this.#end = this.pipeline.run(this.#stop.signal);
  }

  /** Writes the report, as the agent does every few seconds. */
  write(): void {
    const { pipeline } = this;
    const report = pipeline.report();
    this.status = JSON.parse(JSON.stringify(report)) as EarlierReport;
    pipeline.written(report);
  }

  async stop(): Promise<PipelineEnd> {
    this.#stop.abort();
    return this.#end;
  }

  /** `write` tells whether the last report is written, as it is not when the agent is killed. */
  async restart(write = true): Promise<void> {
    const { status } = this;
    await this.stop();
    if (write) this.write();
    else this.status = status;
    this.start();
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#buses.close();
  }

  get #logger(): Logger {
    return this.#options.logger ?? pino({ level: 'silent' });
  }

  #new(): Pipeline {
    const {
      source,
      pusher,
      sourceConfig,
      pusherConfig,
      onPositionLost = 'Snapshot',
      fieldsMapping = [],
    } = this.#options;
    const retries = { maxRetries: 3, retryDelayMs: 1 };
    const config: SourceConfig = {
      id: 'memory',
      driver: 'memory',
      uri: 'memory',
      credential: undefined,
      driverParams: {},
      maxQueueSize: 100,
      ...retries,
      ...sourceConfig,
    };
    return new Pipeline({
      syncId: 'one',
      taskId: 'uid:one',
      fieldsMapping,
      onPositionLost,
      source,
      sourceConfig: config,
      subscribe: (options, signal) => this.#buses.subscribe(options, config, signal),
      pusher,
      pusherConfig: {
        id: 'consumer',
        driver: 'memory',
        endpoint: 'memory',
        credential: undefined,
        driverParams: {},
        batchSize: 10,
        ...retries,
        ...pusherConfig,
      },
      earlier: this.status,
      mayOpenSession: this.#options.mayOpenSession ?? (() => Promise.resolve(true)),
      logger: this.#logger,
      times: { triggerMs: 20, idleMs: 50, ...this.#options.times },
    });
  }
}
