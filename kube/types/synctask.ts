// Generated from crds/synctasks.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * SyncTask carries the changes of one SyncSource to one SyncPusher (Fustor Agent API, sections 1 and 2.3): messages first, and beside them a snapshot when one is needed. Its status is the running instance.
 */
export interface SyncTaskBody {
  spec: SyncTaskSpec;
  status?: SyncTaskStatus;
}
/**
 * What is carried where, and whether it shall run.
 */
export interface SyncTaskSpec {
  /**
   * The id that REST knows the object by; the object's name unless set. For ids that are no names of Kubernetes objects.
   */
  id?: string;
  /**
   * The name of the SyncSource, in the same namespace.
   */
  source: string;
  /**
   * The name of the SyncPusher, in the same namespace.
   */
  pusher: string;
  /**
   * Whether the task may not start. One that runs goes on until it is restarted or stopped.
   */
  disabled?: boolean;
  /**
   * Whether the task shall run. What starting and stopping by REST write.
   */
  desiredState?: 'Running' | 'Stopped';
  /**
   * Which fields of the source become which fields of the consumer; empty, and rows go as they are.
   */
  fields_mapping?: {
    /**
     * The consumer's field, as endpoint.field.
     */
    to: string;
    /**
     * The source's fields, as name or name:index.
     */
    source: string[];
    /**
     * Whether rows without it are refused, and counted in rows_rejected.
     */
    required?: boolean;
  }[];
  /**
   * The Agent that runs it; the least loaded one unless set.
   */
  agent?: string;
  /**
   * What is done when the source no longer has what the consumer needs next. Snapshot sends all rows beside new changes, Fail ends the task with an error, SkipToLatest goes on with new changes only.
   */
  onPositionLost?: 'Snapshot' | 'Fail' | 'SkipToLatest';
}
/**
 * The running instance. The operator writes epoch, assignment and restartedAt; the agent the rest.
 */
export interface SyncTaskStatus {
  /**
   * The generation that was last acted on.
   */
  observedGeneration?: number;
  /**
   * Scheduled, Ready (whether data flows), PositionLost, Stalled (whether it waits for a person).
   */
  conditions?: {
    /**
     * What the condition is about, in CamelCase.
     */
    type: string;
    /**
     * Whether it holds.
     */
    status: 'True' | 'False' | 'Unknown';
    /**
     * Why, as one CamelCase word that programs may rely on.
     */
    reason: string;
    /**
     * Why, for a person to read.
     */
    message: string;
    /**
     * The generation that the condition was set for.
     */
    observedGeneration?: number;
    /**
     * When status last changed.
     */
    lastTransitionTime: string;
  }[];
  /**
   * STOPPED, or flags joined by |, in this order: STARTING, SNAPSHOT_SYNC, MESSAGE_SYNC, RUNNING_CONF_OUTDATE, STOPPING, ERROR.
   */
  state?: string;
  /**
   * What happens, for a person to read.
   */
  info?: string;
  /**
   * Counts the assignments; never falls.
   */
  epoch?: number;
  /**
   * The annotation tiangong.io/restart-requested-at that was last answered.
   */
  restartedAt?: string;
  /**
   * Which process of which agent runs the task.
   */
  assignment?: {
    /**
     * The Agent's name.
     */
    agent: string;
    /**
     * The random id of the agent's process that was there.
     */
    instance: string;
    /**
     * Which assignment it is.
     */
    epoch: number;
    /**
     * When it was made.
     */
    time: string;
  };
  /**
   * The configuration that the task runs with. When the present one differs, the task is outdated.
   */
  started?: {
    /**
     * Which assignment started.
     */
    epoch: number;
    /**
     * The task's generation.
     */
    generation: number;
    /**
     * Of the task's spec without desiredState.
     */
    specDigest: string;
    /**
     * The object that was read.
     */
    source: {
      /**
       * Its uid.
       */
      uid: string;
      /**
       * Its generation.
       */
      generation: number;
    };
    /**
     * The object that was read.
     */
    pusher: {
      /**
       * Its uid.
       */
      uid: string;
      /**
       * Its generation.
       */
      generation: number;
    };
    /**
     * When it started.
     */
    time: string;
  };
  /**
   * The event bus that it reads from.
   */
  bus?: {
    /**
     * Its id.
     */
    id: string;
    /**
     * The id of its first subscriber's source.
     */
    source_name: string;
    /**
     * What it does.
     */
    state: 'IDLE' | 'PRODUCING' | 'ERROR';
    /**
     * What happens, for a person to read.
     */
    info: string;
    /**
     * Its counts.
     */
    statistics: {
      /**
       * Events since the bus began.
       */
      events_produced?: number;
      /**
       * Events since the bus began.
       */
      events_produced_total?: number;
      /**
       * Tasks that read from it.
       */
      subscriber_count?: number;
      /**
       * Events that wait for the slowest of them.
       */
      buffer_size?: number;
      /**
       * The same, under the name of the metric.
       */
      bus_queue_size?: number;
    };
  };
  /**
   * What was pushed since the task started.
   */
  statistics?: {
    /**
     * Rows that the consumer took.
     */
    events_pushed?: number;
    /**
     * The index of the last event that the consumer has.
     */
    last_pushed_event_id?: number;
    /**
     * Pushes that the consumer took.
     */
    pushes?: number;
    /**
     * Pushes that failed.
     */
    push_failures?: number;
    /**
     * Rows that lacked a required field, and were not sent.
     */
    rows_rejected?: number;
    /**
     * How long all pushes took together, in seconds.
     */
    push_latency_seconds_sum?: number;
    /**
     * Pushes that push_latency_seconds_sum is about.
     */
    push_latency_seconds_count?: number;
  };
  /**
   * From which positions of the source's log the task can begin again, newest first.
   */
  checkpoints?: {
    /**
     * Of the last event before it.
     */
    index: number;
    /**
     * Of the last event before it that the consumer has, where that is another.
     */
    sentIndex?: number;
    /**
     * Where the log stands, in the source's own terms.
     */
    position: {};
    /**
     * When the source had got there.
     */
    time: string;
  }[];
  /**
   * How far the consumer has got.
   */
  position?: {
    /**
     * Of the last event that the consumer has; -1 for none.
     */
    index: number;
    /**
     * The newest checkpoint's place in the log.
     */
    position?: {};
    /**
     * When that was so.
     */
    time?: string;
  };
  /**
   * How old the last change was when it was pushed, in milliseconds.
   */
  lagMs?: number;
  /**
   * The last snapshot.
   */
  snapshot?: {
    /**
     * Where it is in its life. Obsolete is one that the consumer no longer wants.
     */
    state: 'Running' | 'Succeeded' | 'Failed' | 'Obsolete';
    /**
     * Why it was made.
     */
    trigger?: 'FirstStart' | 'PositionLost' | 'ConsumerRequest';
    /**
     * When it began.
     */
    startTime?: string;
    /**
     * When it ended.
     */
    completionTime?: string;
    /**
     * Rows that the consumer has of it.
     */
    rows?: number;
    /**
     * The table that it reads.
     */
    table?: string;
    /**
     * Tables that are done.
     */
    tablesDone?: number;
    /**
     * Tables that it is about.
     */
    tablesTotal?: number;
    /**
     * Behind the last rows that the consumer has, in the source's own terms.
     */
    cursor?: {};
    /**
     * What happened, for a person to read.
     */
    message?: string;
  };
  /**
   * The last error of the task.
   */
  error?: {
    /**
     * One CamelCase word that programs may rely on.
     */
    reason: string;
    /**
     * What happened, to what, and what to do.
     */
    message: string;
    /**
     * When it happened.
     */
    time: string;
  };
}

/** A SyncTask as the API server returns it. */
export type SyncTask = KubeObject & SyncTaskBody;
