import type { Target } from '../../../connections/target.ts';
import type { ExecutionContext } from '../../executor.ts';
import type { MysqlParams } from '../mysql-params.ts';
import type { Flavour } from '../session/session.ts';
import { MAX_SLEEP_MS } from './option-comment.ts';
import type { InceptionOptions } from './option-comment.ts';

/** What goInception is told of every part of a text; `mode` is the part's. */
export type AuditOptions = Omit<InceptionOptions, 'mode'>;

export interface RunOptionsInput {
  readonly context: ExecutionContext;
  readonly target: Target;
  readonly params: MysqlParams;
  /** Asks the target what it is. */
  readonly flavour: () => Promise<Flavour>;
}

/** What the task asks of goInception; where it cannot have that, the log says so. */
export async function runOptions(input: RunOptionsInput): Promise<AuditOptions> {
  const { context, target, params } = input;
  const { output } = context;
  if (params.concurrency > 1)
    await output.log('warn', 'exec_options.concurrency is not used: goInception executes one statement after another');
  if (params.sleepMs > MAX_SLEEP_MS)
    await output.log('warn', `exec_options.sleep_ms is ${MAX_SLEEP_MS}: goInception takes no more`);
  const trans = await batchSize(input);
  return {
    host: target.host,
    port: target.port,
    user: target.user ?? '',
    password: target.password ?? '',
    backup: params.backup !== 'off',
    sleepMs: params.sleepMs,
    ...(target.sslmode === 'require' ? { ssl: 'required' } : {}),
    ...(trans === undefined ? {} : { trans }),
  };
}

/**
 * With backup, transactions are left out unless the task asks for them: on MariaDB goInception then loses rollback SQL,
 * or never answers, though it has committed everything (facts §3.6).
 */
async function batchSize({ context, params, flavour }: RunOptionsInput): Promise<number | undefined> {
  const { transBatchSize: size } = params;
  if (size <= 1) return undefined;
  if (params.backup === 'off') return size;
  const given = (context.params['exec_options'] ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof given['trans_batch_size'] !== 'number') return undefined;
  const server = await flavour().catch(() => undefined);
  if (server === 'mysql') return size;
  await context.output.log(
    'warn',
    `exec_options.trans_batch_size is not used, each statement commits by itself: with backup, goInception may lose rollback SQL or never answer ${server === undefined ? 'unless the database is MySQL, and the agent could not ask it' : 'on MariaDB'}`,
  );
  return undefined;
}
