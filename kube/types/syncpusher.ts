// Generated from crds/syncpushers.yaml by `make generate`. Do not edit.
import type { KubeObject } from '../object.ts';

/**
 * SyncPusher is where events go (Fustor Agent API, section 2.2): a consumer that takes them over HTTP. It does nothing by itself; SyncTasks name it.
 */
export interface SyncPusherBody {
  spec: SyncPusherSpec;
  status?: SyncPusherStatus;
}
/**
 * Where the consumer is, and how it is sent to.
 */
export interface SyncPusherSpec {
  /**
   * The id that REST knows the object by; the object's name unless set. For ids that are no names of Kubernetes objects.
   */
  id?: string;
  /**
   * What kind of consumer it is, such as openapi, fusion or echo.
   */
  driver: string;
  /**
   * Where it is, as the driver writes it; without a login.
   */
  endpoint: string;
  /**
   * The Secret of type tiangong.io/credential with the login, in the object's own namespace: user and passwd, or key and, where there is one, user.
   */
  secret_ref?: string;
  /**
   * Declared only to be refused. A login belongs into a Secret, which secret_ref names.
   */
  credential?: {};
  /**
   * How many rows a push holds at most.
   */
  batch_size?: number;
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
 * What is known of the consumer.
 */
export interface SyncPusherStatus {
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
}

/** A SyncPusher as the API server returns it. */
export type SyncPusher = KubeObject & SyncPusherBody;
