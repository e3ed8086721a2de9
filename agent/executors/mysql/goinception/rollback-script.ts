import { readSecret } from '../../../connections/connections.ts';
import type { ExecutionContext } from '../../executor.ts';
import { abortable } from '../../database/deadline.ts';
import { maskSecrets } from '../../database/mask-secrets.ts';
import { SpoolError } from '../../sql/row-spool.ts';
import { ReverseSpool } from '../backup/reverse-spool.ts';
import { NOT_EXACT, SCRIPT_SETTINGS } from '../backup/rollback-script.ts';
import { isReadOnly, statementKind } from '../text/statement-kind.ts';
import { BackupServer } from './backup-server.ts';
import type { StoredRollback } from './backup-server.ts';
import type { GoInceptionSettings } from './goinception-settings.ts';
import type { RowRollback } from './inception-report.ts';
import { isBackedUp, isBackupFailed, rowFate } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

export interface RollbackScriptOptions {
  /** Undefined: the agent does not know goInception's backup server. */
  readonly settings: GoInceptionSettings['backup'];
  readonly spoolFolder: string;
  /** Whether there is to be a backup. */
  readonly wanted: boolean;
  /** After it aborts, the backup server has this many milliseconds left. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
}

/** Times are goInception's, which has the zone of its own host. */
const SETTINGS = [...SCRIPT_SETTINGS.filter((setting) => !setting.includes('time_zone')), NOT_EXACT];
const NO_SERVER = "the agent's configuration has no goinception_backup_host";

/** Collects the SQL that undoes what goInception executed, for the results of its statements and as a script. */
export class RollbackScript {
  readonly #options: RollbackScriptOptions;
  readonly #spool: ReverseSpool;
  #server: Promise<BackupServer> | undefined;
  /** The line that is being written. */
  #tail: Promise<void> | undefined;
  /** How many statements the script has. */
  #count = 0;
  /** Statements that changed something and cannot be undone. */
  #missing = 0;
  #reason: string | undefined;
  /** Why there is no backup at all. */
  #impossible: string | undefined;
  /** What was executed is not known of all statements. */
  #uncertain = false;

  constructor(options: RollbackScriptOptions) {
    this.#options = options;
    this.#spool = new ReverseSpool({ folder: options.spoolFolder });
  }

  /** There is no backup from here on. */
  impossible(reason: string): void {
    this.#impossible = reason;
  }

  uncertain(): void {
    this.#uncertain = true;
  }

  /** Fetches what undoes the executed ones of these rows, which came in this order; what each result says of it. */
  async take(rows: readonly InceptionRow[]): Promise<ReadonlyMap<InceptionRow, RowRollback>> {
    const said = new Map<InceptionRow, RowRollback>();
    if (!this.#options.wanted) return said;
    const executed = rows.filter((row) => rowFate(row) === 'executed' && changes(row));
    const { found, problem } = await this.#fetch(executed);
    for (const row of executed) {
      const stored = found.get(row.sequence);
      if (stored !== undefined) {
        said.set(row, { sql: shown(stored) });
        continue;
      }
      const reason = this.#reasonFor(row, problem);
      said.set(row, { sql: '', message: reason ?? 'no row was changed' });
      if (reason === undefined) continue;
      this.#missing += 1;
      this.#reason ??= reason;
    }
    return said;
  }

  /** Gives the script to the task, the newest change first. */
  async finish(
    { name, rollback }: Pick<ExecutionContext, 'name' | 'rollback'>,
    mask: (text: string) => string,
  ): Promise<void> {
    if (!this.#options.wanted) return;
    const count = this.#count;
    if (count > 0) {
      const head = [
        `-- Undoes task ${name}: written by goInception, the newest change first.`,
        ...SETTINGS.map((setting) => `${setting};`),
      ];
      await rollback.write(Buffer.from(`${head.join('\n')}\n`));
      for await (const lines of this.#spool.readBackwards()) {
        const statements = lines
          .toString()
          .split('\n')
          .filter((line) => line !== '');
        await rollback.write(Buffer.from(statements.map((line) => `${JSON.parse(line) as string}\n`).join('')));
      }
    }
    const lacking = [
      ...(this.#missing === 0
        ? []
        : [
            `${this.#missing} statement${this.#missing === 1 ? ' has' : 's have'} no rollback SQL: ${this.#reason ?? ''}`,
          ]),
      ...(this.#uncertain ? ['what became of some statements is not known'] : []),
    ];
    const own = "the SQL is goInception's own, to be checked before it is run";
    rollback.end({
      available: count > 0,
      exact: false,
      statements: count,
      message: mask(count > 0 ? [own, ...lacking].join('; ') : lacking.join('; ') || 'no row was changed'),
    });
  }

  async close(): Promise<void> {
    await this.#spool.close();
    const server = await this.#server?.catch(() => undefined);
    await server?.end();
  }

  #reasonFor(row: InceptionRow, problem: string | undefined): string | undefined {
    if (this.#impossible !== undefined) return this.#impossible;
    if (isBackupFailed(row)) return 'goInception executed it and could not back it up';
    if (!isBackedUp(row)) return row.affectedRows === 0 ? undefined : 'goInception made no backup of it';
    if (problem !== undefined) return problem;
    return row.affectedRows === 0 ? undefined : 'the backup server has none';
  }

  async #fetch(
    rows: readonly InceptionRow[],
  ): Promise<{ found: ReadonlyMap<string, StoredRollback>; problem?: string }> {
    const { settings } = this.#options;
    if (!rows.some(isBackedUp)) return { found: new Map() };
    if (settings === undefined) return { found: new Map(), problem: NO_SERVER };
    const before = this.#spool.bytes;
    const stop = this.#stopAfterGrace();
    try {
      this.#server ??= BackupServer.connect(settings);
      const server = await abortable(this.#server, stop.signal);
      stop.signal.addEventListener('abort', () => server.destroy());
      // A line each, whatever it holds.
      const found = await server.fetch(rows, (sql) => this.#keep(JSON.stringify(sql)));
      for (const { statements } of found.values()) this.#count += statements;
      return { found };
    } catch (err) {
      if (err instanceof SpoolError) throw err;
      void this.#server?.then((server) => server.end()).catch(() => undefined);
      this.#server = undefined;
      await this.#tail?.catch(() => undefined);
      await this.#spool.cutTo(before);
      if (stop.signal.aborted) return { found: new Map(), problem: (stop.signal.reason as Error).message };
      return { found: new Map(), problem: `the backup server cannot be asked: ${reasonOf(err, settings)}` };
    } finally {
      stop.end();
    }
  }

  /** Rows that came together come on while the first is being written. */
  #keep(line: string): Promise<void> | undefined {
    const written =
      this.#tail === undefined ? this.#spool.append(line) : this.#tail.then(() => this.#spool.append(line));
    if (written === undefined) return undefined;
    const tail = written.finally(() => {
      if (this.#tail === tail) this.#tail = undefined;
    });
    tail.catch(() => undefined);
    this.#tail = tail;
    return tail;
  }

  #stopAfterGrace(): { readonly signal: AbortSignal; end(): void } {
    const { signal, graceMs } = this.#options;
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const begin = (): void => {
      timer = setTimeout(() => controller.abort(new Error('the task ended before it was fetched')), graceMs);
    };
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true });
    return {
      signal: controller.signal,
      end: () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', begin);
      },
    };
  }
}

/** Whether a statement changes what a rollback is about. */
function changes({ sql }: InceptionRow): boolean {
  const kind = statementKind(sql);
  return !isReadOnly(kind) && kind !== 'use' && kind !== 'set';
}

const shown = ({ head, statements }: StoredRollback): string =>
  statements > 1 && head.endsWith('…') ? `${head} (${statements} statements)` : head;

function reasonOf(err: unknown, { passwordFile, passwordEnv }: NonNullable<GoInceptionSettings['backup']>): string {
  const message = err instanceof Error && err.message !== '' ? err.message : String(err);
  try {
    const password = readSecret(passwordFile, passwordEnv);
    return password === undefined ? message : maskSecrets(message, [password]);
  } catch {
    return message;
  }
}
