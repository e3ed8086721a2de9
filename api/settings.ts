import { ALL_NAMESPACES } from '../kube/watched-namespaces.ts';

/** What whoever runs the api decides. `defaultSettings` has a value for each. */
export interface ApiSettings {
  /** Address and port to listen on. Port 0: any free one. */
  readonly host: string;
  readonly port: number;
  /** Whether callers show tokens that the Kubernetes API knows, which says what they may do; `none`: everybody may do everything. */
  readonly auth: 'kubernetes' | 'none';
  /** How long it is relied upon whose a token is, in milliseconds: one that is taken back works that much longer. */
  readonly tokenMaxAgeMs: number;
  /** Files of a certificate and its key, in PEM, for HTTPS; read again when they change. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** A port of plain HTTP for metrics and health alone, where nobody is asked who they are; undefined: none. */
  readonly metricsPort?: number | undefined;
  /** The ServiceAccount of the pods of agents, in the home namespace and in that of pods with access to their host. */
  readonly agentServiceAccount: string;
  /** Where pods with access to their host run; undefined: there are none. */
  readonly hostNamespace: string | undefined;
  /** Whether the user `tiangong:agent:<name>` is the agent of the name, as on the embedded server. */
  readonly namedAgents: boolean;
  /** Where agents live, and tasks made by REST. Ids of its tasks are bare names. */
  readonly homeNamespace: string;
  /** The namespaces whose tasks are shown beside the home namespace's; `*` for all. */
  readonly namespaces: readonly string[];
  /** Origins of web pages that may use the API, `*` for all; pages served from this host may always. */
  readonly corsOrigins: readonly string[];
  /** Host names that requests may name beside loopback ones while the server listens on loopback alone. */
  readonly allowedHosts: readonly string[];
  /** `ttlSecondsAfterFinished` of tasks made by REST. */
  readonly taskTtlSeconds: number;
  /** `startDeadlineSeconds` of tasks made by REST. */
  readonly startDeadlineSeconds: number;
  /** How many bytes of commands, parameters, results and logs are kept in memory for reads. */
  readonly cacheBytes: number;
  /** How large an uploaded file may be, in bytes. */
  readonly maxFileBytes: number;
  /** How long an upload may be silent before it is given up, in milliseconds. */
  readonly uploadIdleMs: number;
  /** How often data that nothing refers to any more is looked for, in milliseconds. */
  readonly cleanupIntervalMs: number;
  /** How long it must have been so before the data is deleted, in milliseconds. */
  readonly cleanupGraceMs: number;
  /** How long idempotency keys are kept, in milliseconds. At least seven days (design.md §4.7). */
  readonly idempotencyKeyMs: number;
}

const DAY_MS = 24 * 3600 * 1000;

export const defaultSettings: ApiSettings = {
  host: '127.0.0.1',
  port: 8080,
  auth: 'none',
  tokenMaxAgeMs: 60_000,
  agentServiceAccount: 'tiangong-agent',
  hostNamespace: undefined,
  namedAgents: true,
  homeNamespace: 'default',
  namespaces: [ALL_NAMESPACES],
  corsOrigins: [],
  allowedHosts: [],
  taskTtlSeconds: (7 * DAY_MS) / 1000,
  startDeadlineSeconds: 600,
  cacheBytes: 32 * 1024 * 1024,
  maxFileBytes: 5 * 1024 ** 3,
  uploadIdleMs: 120_000,
  cleanupIntervalMs: 60_000,
  cleanupGraceMs: 600_000,
  idempotencyKeyMs: 8 * DAY_MS,
};

/** How much of logs, results and commands is kept; what comes beyond is refused with a clear error. */
export const DEFAULT_STORE_MAX_BYTES = 20 * 1024 ** 3;

/** What `maxFileBytes` may be: an object store takes files in 10,000 parts of 8 MiB. */
export const MAX_FILE_BYTES = 80_000 * 1024 ** 2;
