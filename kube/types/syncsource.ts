// Generated from crds/syncsources.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * SyncSource is where changes and rows come from (Fustor Agent API, section 2.1): a database's log, a folder, an index, a bucket. It does nothing by itself; SyncTasks name it.
 */
export interface SyncSourceBody {
  spec: SyncSourceSpec;
  status?: SyncSourceStatus;
}
/**
 * Where the source is, and how it is read.
 */
export interface SyncSourceSpec {
  /**
   * The id that REST knows the object by; the object's name unless set. For ids that are no names of Kubernetes objects.
   */
  id?: string;
  /**
   * What kind of source it is, such as mysql, postgres, fs, elasticsearch or source_oss.
   */
  driver: string;
  /**
   * Where it is, as the driver writes it; without a login.
   */
  uri: string;
  /**
   * The Secret of type tiangong.io/credential with the login, in the object's own namespace: user and passwd, or key and, where there is one, user.
   */
  secret_ref?: string;
  /**
   * Declared only to be refused. A login belongs into a Secret, which secret_ref names.
   */
  credential?: {};
  /**
   * How many events may wait on the bus for the slowest of its subscribers.
   */
  max_queue_size?: number;
  /**
   * How often a call that failed is tried again before the task ends with an error.
   */
  max_retries?: number;
  /**
   * How long to wait before each new try, in seconds.
   */
  retry_delay_sec?: number;
  /**
   * Whether syncs may not start with it. One that runs goes on until it is restarted.
   */
  disabled?: boolean;
  /**
   * What the driver needs beyond that, by the names of its wizard.
   */
  driver_params?: {
    /**
     * Declared only to be refused.
     */
    password?: string;
    /**
     * Declared only to be refused.
     */
    passwd?: string;
    /**
     * Declared only to be refused.
     */
    api_key?: string;
    /**
     * Declared only to be refused.
     */
    token?: string;
    /**
     * Declared only to be refused.
     */
    secret_access_key?: string;
    /**
     * Declared only to be refused.
     */
    access_key_secret?: string;
    [k: string]: unknown;
  };
}
/**
 * What is known of the source.
 */
export interface SyncSourceStatus {
  /**
   * The generation that was last acted on.
   */
  observedGeneration?: number;
  /**
   * None of ours so far; for other programs.
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
   * The fields that were last discovered; the store keeps them.
   */
  discovered?: {
    /**
     * How many.
     */
    fields: number;
    /**
     * Of their description, in lower-case hexadecimal digits.
     */
    sha256: string;
    /**
     * What the store knows them by.
     */
    ref: string;
    /**
     * When they were discovered.
     */
    time: string;
  };
}

/** A SyncSource as the API server returns it. */
export type SyncSource = KubeObject & SyncSourceBody;
