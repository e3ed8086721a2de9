import { createConnection } from 'mysql2/promise';
import type { Connection } from 'mysql2/promise';
import { newRow } from './answer-rows.ts';
import type { AnswerRow } from './answer-rows.ts';
import { Audit } from './audit.ts';
import { BackupStore } from './backup-store.ts';
import { refuse } from './engine-run.ts';
import type { Behaviour, Progress } from './engine-run.ts';
import { Execution } from './execution.ts';
import { flagOption, numberOption, readOptions, textOption } from './option-reader.ts';
import type { Options } from './option-reader.ts';
import { chunksOf } from './text-chunks.ts';

/** What goInception makes of a text that is given to it in one query. */
export async function runText(text: string, progress: Progress, behaviour: Behaviour): Promise<readonly AnswerRow[]> {
  const rows: AnswerRow[] = [];
  const single = (sql: string, message: string): readonly AnswerRow[] => {
    const row = newRow(sql, rows.length);
    row.stage = 'RERUN';
    refuse(row, message);
    return [...rows, row];
  };
  let target: Target | undefined;
  try {
    for (const chunk of chunksOf(text))
      for (const statement of chunk.statements) {
        const word = statement
          .replace(/^\/\*[\s\S]*?\*\//, '')
          .trim()
          .toLowerCase();
        if (word === 'inception_magic_start') {
          const opened = await openTarget(readOptions(statement), progress, behaviour);
          if (typeof opened === 'string') {
            const row = newRow('\ninception_magic_start', 0);
            refuse(row, opened);
            return [row];
          }
          target = opened;
          continue;
        }
        if (target === undefined) return single(statement, 'Must start as begin statement.');
        if (word === 'inception_magic_commit') {
          await execute(target, rows, progress, behaviour);
          return rows;
        }
        const row = newRow(statement, rows.length);
        const readable = await target.audit.check(row);
        if (!readable) {
          row.sql = chunk.text.trim();
          return [...rows, row];
        }
        rows.push(row);
        if (progress.isKilled()) {
          refuse(row, 'Operation has been killed!');
          return rows;
        }
      }
    return single('', 'Must end with commit.');
  } finally {
    await target?.close();
  }
}

interface Target {
  readonly connection: Connection;
  readonly audit: Audit;
  readonly options: Options;
  readonly executes: boolean;
  readonly store: BackupStore | undefined;
  close(): Promise<void>;
}

async function openTarget(
  options: Options | undefined,
  progress: Progress,
  behaviour: Behaviour,
): Promise<Target | string> {
  if (options === undefined) return 'Invalid source infomation(inception语法格式错误).';
  const [host, user, port] = [textOption(options, 'host'), textOption(options, 'user'), numberOption(options, 'port')];
  const lacking = [
    ...(host === '' ? ['主机名为空'] : []),
    ...(port === 0 ? ['端口为0'] : []),
    ...(user === '' ? ['用户名为空'] : []),
  ];
  if (lacking.length > 0) return `Invalid source infomation(${lacking.join(',')}).`;
  const checks = flagOption(options, 'check');
  const executes = flagOption(options, 'execute') && !checks;
  const backsUp = flagOption(options, 'backup') && !checks;
  const address = { host: host.replaceAll(/^\[|\]$/g, ''), port };
  let connection: Connection;
  try {
    connection = await createConnection({
      ...address,
      user,
      password: textOption(options, 'password'),
      charset: 'utf8mb4',
      database: textOption(options, 'db'),
      ...(textOption(options, 'ssl') === 'required' ? { ssl: { rejectUnauthorized: false } } : {}),
    });
  } catch (err) {
    const { code = '', errno, message } = err as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return `con:32 dial tcp ${host}:${port}: connect: connection refused.`;
    return `con:31 Error ${errno ?? ''}: ${message}.`;
  }
  progress.destination = { user, host, port };
  progress.command = checks ? 'CHECK' : executes ? 'EXECUTE' : '';
  const problem = await backupProblem(connection, backsUp, behaviour);
  if (problem !== undefined) {
    await connection.end();
    return problem;
  }
  const store = backsUp && behaviour.backup ? await BackupStore.open(behaviour.backup, { host, port }) : undefined;
  return {
    connection,
    audit: new Audit(connection, executes, behaviour),
    options,
    executes,
    store,
    close: async () => {
      await store?.close();
      await connection.end();
    },
  };
}

async function backupProblem(
  connection: Connection,
  wanted: boolean,
  { backup }: Behaviour,
): Promise<string | undefined> {
  if (!wanted) return undefined;
  const [[log]] = await connection.query<never[]>("SHOW VARIABLES LIKE 'log_bin'");
  if ((log as unknown as { Value: string }).Value !== 'ON') return 'binlog日志未开启,无法备份!';
  return backup === undefined ? 'Invalid remote backup information.' : undefined;
}

async function execute(
  { connection, executes, options, store }: Target,
  rows: readonly AnswerRow[],
  progress: Progress,
  behaviour: Behaviour,
): Promise<void> {
  const level = Math.max(0, ...rows.map(({ errorLevel }) => errorLevel));
  if (!executes || level === 2 || (level === 1 && !flagOption(options, 'ignorewarnings'))) return;
  const sleepMs = Math.min(numberOption(options, 'sleep'), 100_000);
  const trans = numberOption(options, 'trans');
  await new Execution({ connection, rows, progress, behaviour, store, trans, sleepMs }).run();
}
