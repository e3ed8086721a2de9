export interface SyncActionParams {
  readonly side: 'source' | 'pusher';
  readonly driver: string;
  readonly uri?: string;
  readonly path?: string;
  readonly endpoint?: string;
  /** Of the driver's own login; its secret part is in the Secret. */
  readonly user: string | undefined;
  readonly secretRef: string | undefined;
  /** Of the administrator's. */
  readonly adminUser: string | undefined;
  readonly adminSecretRef: string | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
}

type Params = Readonly<Record<string, unknown>>;

/** Reads the parameters of a sync-action task; a string is what is wrong with them. */
export function parseSyncActionParams(params: Params): SyncActionParams | string {
  const { side, driver, driver_params: driverParams = {}, target = {} } = params;
  if (side !== 'source' && side !== 'pusher') return 'params.side must be source or pusher';
  if (typeof driver !== 'string' || driver === '') return 'params.driver is required';
  if (!isObject(driverParams)) return 'params.driver_params must be an object';
  if (!isObject(target)) return 'params.target must be an object';
  for (const name of [...PLACES, 'user', 'secret_ref'])
    if (params[name] !== undefined && typeof params[name] !== 'string') return `params.${name} must be a string`;
  for (const name of ['user', 'secret_ref'])
    if (target[name] !== undefined && typeof target[name] !== 'string') return `params.target.${name} must be a string`;
  return {
    side,
    driver,
    ...placesOf(params),
    user: params['user'] as string | undefined,
    secretRef: params['secret_ref'] as string | undefined,
    adminUser: target['user'] as string | undefined,
    adminSecretRef: target['secret_ref'] as string | undefined,
    driverParams,
  };
}

const PLACES = ['uri', 'path', 'endpoint'] as const;

function placesOf(params: Params): Pick<SyncActionParams, (typeof PLACES)[number]> {
  return Object.fromEntries(PLACES.filter((name) => name in params).map((name) => [name, params[name] as string]));
}

function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
