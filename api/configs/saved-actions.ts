import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type {
  DriverActionAnswer,
  DriverActionInput,
  DriverActionRunner,
  DriverLogin,
} from '../drivers/driver-action-call.ts';
import { ApiError } from '../errors.ts';
import type { Endpoint } from './config-kind.ts';
import type { Configs } from './configs.ts';
import type { DiscoveredFields } from './discovered-fields.ts';

/** Who asks, and for which agent. */
export interface ActionOptions {
  readonly agentId?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly signal: AbortSignal;
}

export interface MappingFields {
  readonly source_schema: DiscoveredFields;
  readonly pusher_schema: object;
}

/** Actions of drivers with configurations that are saved: their logins never leave the server for the caller. */
export class SavedActions {
  readonly #configs: Configs;
  readonly #runner: DriverActionRunner;

  constructor(configs: Configs, runner: DriverActionRunner) {
    this.#configs = configs;
    this.#runner = runner;
  }

  async runPusher(id: string, action: string, options: ActionOptions): Promise<DriverActionAnswer> {
    const pusher = await this.#configs.pushers.directory.requireFresh(id);
    return this.#run('pusher', pusher, action, { endpoint: pusher.spec.endpoint }, options);
  }

  /** The fields that the consumer needs, asked of it now. Rejects with `CheckFailed` when it cannot be asked. */
  async neededFields(id: string, options: ActionOptions): Promise<object> {
    const { success, message, fields } = await this.runPusher(id, 'discover_fields', options);
    if (!success) throw new ApiError('CheckFailed', message);
    return fields ?? {};
  }

  /** Rejects with `CheckFailed` when the source cannot be asked. */
  async discoverFields(id: string, admin: DriverLogin | undefined, options: ActionOptions): Promise<SyncSource> {
    const source = await this.#configs.sources.directory.requireFresh(id);
    const input = { uri: source.spec.uri, ...(admin && { admin_creds: admin }) };
    const answer = await this.#run('source', source, 'discover_fields_no_cache', input, options);
    if (!answer.success) throw new ApiError('CheckFailed', answer.message);
    return this.#configs.fields.save(source, answer.fields ?? { properties: {} });
  }

  /** What can be mapped to what. */
  async mappingFields(sourceId: string, pusherId: string, options: ActionOptions): Promise<MappingFields> {
    const source = await this.#configs.sources.directory.requireFresh(sourceId);
    const pusherFields = await this.neededFields(pusherId, options);
    return {
      source_schema: (await this.#configs.fields.read(source)) ?? { properties: {} },
      pusher_schema: pusherFields,
    };
  }

  async #run(
    side: 'source' | 'pusher',
    config: SyncSource | SyncPusher,
    action: string,
    input: DriverActionInput,
    { signal, ...who }: ActionOptions,
  ): Promise<DriverActionAnswer> {
    const { driver, driver_params } = config.spec;
    const login = await this.#login(config, input.admin_creds ?? undefined);
    return this.#runner.run({ side, driver, action, input: { ...input, ...login, driver_params }, ...who }, signal);
  }

  /**
   * A login that the API keeps goes to the task as if the caller had sent it; a Secret of the user's own is named, so that
   * what bounds its use holds. Where an administrator is asked for and none is given, the configuration's own login may do.
   */
  async #login(config: Endpoint, admin: DriverLogin | undefined): Promise<DriverActionInput> {
    const kept = await this.#configs.secrets.read(config);
    const { secret_ref } = config.spec;
    if (kept !== undefined) return { credential: kept, ...(admin === undefined && { admin_creds: kept }) };
    return secret_ref === undefined ? {} : { secret_ref };
  }
}
