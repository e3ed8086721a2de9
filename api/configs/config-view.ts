import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { Endpoint } from './config-kind.ts';
import { shownCredential } from './credential.ts';
import type { ShownCredential } from './credential.ts';

interface ShownLogin {
  /** Null when there is none, or when `secret_ref` names a Secret of the user's own. */
  readonly credential: ShownCredential | null;
  readonly secret_ref?: string;
}

interface Retrying {
  readonly max_retries: number;
  readonly retry_delay_sec: number;
  readonly disabled: boolean;
}

/** Configurations as REST shows them: with the fields and the defaults of facts §1.2. */
export interface SourceView extends ShownLogin, Retrying {
  readonly driver: string;
  readonly uri: string;
  readonly max_queue_size: number;
  readonly driver_params: Readonly<Record<string, unknown>>;
}

export interface PusherView extends ShownLogin, Retrying {
  readonly driver: string;
  readonly endpoint: string;
  readonly batch_size: number;
  readonly driver_params: Readonly<Record<string, unknown>> | null;
}

export interface SyncView {
  /** Ids, not names. */
  readonly source: string;
  readonly pusher: string;
  readonly disabled: boolean;
  readonly fields_mapping: readonly {
    readonly to: string;
    readonly source: readonly string[];
    readonly required: boolean;
  }[];
  /** Ours; shown where they are not the default. */
  readonly agent?: string;
  readonly onPositionLost?: string;
}

export function toSourceView(source: SyncSource): SourceView {
  const { driver, uri, max_queue_size = 1000, driver_params = {} } = source.spec;
  return { driver, uri, ...shownLogin(source), max_queue_size, ...retrying(source), driver_params };
}

export function toPusherView(pusher: SyncPusher): PusherView {
  const { driver, endpoint, batch_size = 100, driver_params } = pusher.spec;
  const params = driver_params === undefined || Object.keys(driver_params).length === 0 ? null : driver_params;
  return { driver, endpoint, ...shownLogin(pusher), batch_size, ...retrying(pusher), driver_params: params };
}

export function toSyncView({ spec }: SyncTask, ids: { source: string; pusher: string }): SyncView {
  const { disabled = true, fields_mapping = [], agent, onPositionLost = 'Snapshot' } = spec;
  return {
    ...ids,
    disabled,
    fields_mapping: fields_mapping.map(({ to, source, required = false }) => ({ to, source, required })),
    ...(agent !== undefined && { agent }),
    ...(onPositionLost !== 'Snapshot' && { onPositionLost }),
  };
}

function shownLogin(config: Endpoint): ShownLogin {
  const credential = shownCredential(config);
  const { secret_ref } = config.spec;
  return { credential, ...(credential === null && secret_ref !== undefined && { secret_ref }) };
}

function retrying({ spec: { max_retries = 10, retry_delay_sec = 5, disabled = true } }: Endpoint): Retrying {
  return { max_retries, retry_delay_sec, disabled };
}
