import type { Logger } from 'pino';
import type { ActionInput, ActionResult, DriverAction } from '../../sync/driver-action.ts';
import type { PusherDriver } from '../../sync/pusher.ts';
import type { SourceDriver } from '../../sync/source.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { failed } from '../executor.ts';
import type { Credential, ExecutionContext, Executor, Outcome } from '../executor.ts';
import { parseSyncActionParams } from './sync-action-params.ts';
import type { SyncActionParams } from './sync-action-params.ts';

export interface SyncActionExecutorOptions {
  readonly sources: ReadonlyMap<string, SourceDriver>;
  readonly pushers: ReadonlyMap<string, PusherDriver>;
  /** Whether tasks may use this path on the host. */
  readonly mayRead: (path: string) => Promise<boolean>;
  /** Where the lines go that `GET /api/logs` shows. */
  readonly logger: Logger;
}

/** What a driver answers that does not have the action (facts §1.9). */
const NOT_IMPLEMENTED: ReadonlyMap<string, string> = new Map([
  ['test_connection', 'Connection test not implemented for this driver.'],
  ['check_params', 'Runtime parameter check not implemented for this driver.'],
  ['create_agent_user', 'Agent user creation not implemented for this driver.'],
  ['check_privileges', 'Privilege check not implemented for this driver.'],
]);

/**
 * Does one step of a sync's wizard from where the agent is (Fustor Agent API, section 3): the command is the action's name, the
 * result an `ActionResult` as JSON. A check that finds something wrong is a failed task with a result.
 */
export class SyncActionExecutor implements Executor {
  readonly type = 'sync-action';
  readonly #options: SyncActionExecutorOptions;

  constructor(options: SyncActionExecutorOptions) {
    this.#options = options;
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const params = parseSyncActionParams(context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    const { side, driver: name } = params;
    const driver = (side === 'source' ? this.#options.sources : this.#options.pushers).get(name);
    if (driver === undefined) return failed('DriverUnknown', `this agent has no ${side} driver ${name}`);
    const known = driver.actions as Readonly<Record<string, DriverAction | undefined>>;
    const action = Object.hasOwn(known, context.command) ? known[context.command] : undefined;
    if (action === undefined) return this.#ended(context, params, withoutAction(context.command));
    let input: ActionInput;
    try {
      input = { ...(await inputOf(params, context)), mayRead: this.#options.mayRead };
    } catch (err) {
      return failed('CredentialUnavailable', `secret_ref: ${(err as Error).message}`);
    }
    const result = await action(input, context.signal).catch((err: unknown) => ({
      success: false,
      message: (err as Error).message,
    }));
    return this.#ended(context, params, withoutSecrets(result, input));
  }

  async #ended(context: ExecutionContext, { side, driver }: SyncActionParams, result: ActionResult): Promise<Outcome> {
    const component = `fustor_agent.drivers.${side}.${driver}`;
    const line = `${context.command}: ${result.message}`;
    this.#options.logger[result.success ? 'info' : 'warn']({ component }, line);
    void context.output.log(result.success ? 'info' : 'error', line);
    await context.output.write(Buffer.from(JSON.stringify(result)));
    return result.success ? { state: 'Succeeded', message: result.message } : failed('CheckFailed', result.message);
  }
}

function withoutAction(action: string): ActionResult {
  const message = NOT_IMPLEMENTED.get(action);
  if (message !== undefined) return { success: true, message };
  return { success: false, message: `${action} is not implemented for this driver.` };
}

/** Servers and libraries quote what they were sent. */
function withoutSecrets(result: ActionResult, { credential, adminCreds }: ActionInput): ActionResult {
  const secrets = [credential, adminCreds].flatMap((login) => [login?.data['passwd'] ?? '', login?.data['key'] ?? '']);
  return { ...result, message: maskSecrets(result.message, secrets) };
}

async function inputOf(params: SyncActionParams, context: ExecutionContext): Promise<ActionInput> {
  const { uri, path, endpoint, driverParams } = params;
  const login = async (user: string | undefined, ref: string | undefined): Promise<Credential | undefined> => {
    if (user === undefined && ref === undefined) return undefined;
    const { data, allowedHosts } =
      ref === undefined ? { data: {}, allowedHosts: undefined } : await context.credential(ref);
    const { api_key: key, ...rest } = data as Readonly<Record<string, string | undefined>>;
    const named = { ...(user !== undefined && { user }), ...rest, ...(key !== undefined && { key }) };
    return { data: named, allowedHosts };
  };
  return {
    ...(uri !== undefined && { uri }),
    ...(path !== undefined && { path }),
    ...(endpoint !== undefined && { endpoint }),
    credential: await login(params.user, params.secretRef),
    adminCreds: await login(params.adminUser, params.adminSecretRef),
    driverParams,
  };
}
