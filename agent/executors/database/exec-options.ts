/** `params.exec_options` and `params.result_format` of the manual's §4, checked. */
export interface ExecOptions {
  /** How many statements a transaction holds at most. */
  readonly transBatchSize: number;
  /** Between transactions. */
  readonly sleepMs: number;
  /** For the whole execution. */
  readonly timeoutMs: number;
  /** All operations in one transaction. */
  readonly transaction: boolean;
  readonly resultFormat: 'text' | 'json';
}

const DEFAULTS: ExecOptions = {
  transBatchSize: 200,
  sleepMs: 0,
  timeoutMs: 600_000,
  transaction: false,
  resultFormat: 'text',
};

/** Option, its key in the manual, and its bounds as in crds/deploytasks.yaml. */
const NUMBERS = [
  ['transBatchSize', 'trans_batch_size', 1, 1_000_000],
  ['sleepMs', 'sleep_ms', 0, 86_400_000],
  ['timeoutMs', 'timeout_ms', 1, 604_800_000],
] as const;

/** The text of why they cannot be, else the options. Unknown ones are left alone, as those of other types are. */
export function parseExecOptions(
  params: Readonly<Record<string, unknown>>,
  defaults: Partial<ExecOptions> = {},
): ExecOptions | string {
  const given = params['exec_options'] ?? {};
  if (typeof given !== 'object' || Array.isArray(given)) return 'params.exec_options must be an object';
  const from = given as Record<string, unknown>;
  const options: { -readonly [K in keyof ExecOptions]: ExecOptions[K] } = { ...DEFAULTS, ...defaults };
  for (const [option, key, least, most] of NUMBERS) {
    const value = from[key] ?? undefined;
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
      return `params.exec_options.${key} must be a whole number from ${String(least)} to ${String(most)}`;
    options[option] = value;
  }
  const transaction = from['transaction'] ?? undefined;
  if (transaction !== undefined) {
    if (typeof transaction !== 'boolean') return 'params.exec_options.transaction must be true or false';
    options.transaction = transaction;
  }
  const format = params['result_format'] ?? undefined;
  if (format !== undefined) {
    if (format !== 'text' && format !== 'json') return 'params.result_format must be text or json';
    options.resultFormat = format;
  }
  return options;
}
