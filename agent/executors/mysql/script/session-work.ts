import type { SqlStatement } from '../../sql/split-statements.ts';
import { answerTo, runGroup, runStatement, StatementStopped } from '../session/run-statement.ts';
import { ERRNO, isLost, isServerError } from '../session/server-error.ts';
import type { MysqlSession, StatementOutcome } from '../session/session.ts';
import { StatementFailed } from './statement-error.ts';
import { StatementGroup } from './statement-group.ts';
import { isReadOnly } from '../text/statement-kind.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import type { StatementReport } from './statement-report.ts';
import type { TransactionTrack } from './transaction-track.ts';

export interface SessionWorkOptions {
  readonly session: MysqlSession;
  readonly report: StatementReport;
  readonly track: TransactionTrack;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunStatementOptions`. */
  readonly graceMs: number;
  readonly evidence: (text: string) => void;
}

export interface SendOptions {
  /** It is a transaction by itself. */
  readonly alone?: boolean;
  /** Its transaction is one that observers see. */
  readonly observed?: boolean;
}

/** Each of so many is sent, and told of, for itself. */
const ONE_BY_ONE = 200;
/** Longer ones gain nothing. */
const MAX_GROUPED_CHARS = 16 * 1024;
/** Every server takes so much, unless its max_allowed_packet is below the default of any version. */
const MAX_UNCHECKED_CHARS = 256 * 1024;
const ROLLBACK_MS = 5000;
/** Some non-transactional changed tables couldn't be rolled back. */
const NOT_ROLLED_BACK = '1196';

const NOT_BEGUN: readonly number[] = [
  ERRNO.parseError,
  ERRNO.noSuchProcedure,
  ERRNO.wrongArguments,
  ERRNO.procedureDenied,
];
const PARTLY = 'What it had changed before is committed, unless it has a transaction of its own.';

/** A COMMIT failed, and the transaction has ended all the same. */
export class CommitLost extends StatementFailed {}

/** Sends statements and the begins and ends of transactions in one session, and tells the track what became of them. */
export class SessionWork {
  readonly session: MysqlSession;
  readonly #options: SessionWorkOptions;
  /** What a ROLLBACK could not undo; undefined: nothing. */
  #notRolledBack: string | undefined;

  constructor(options: SessionWorkOptions) {
    this.session = options.session;
    this.#options = options;
  }

  get notRolledBack(): string | undefined {
    return this.#notRolledBack;
  }

  /** Rejects with `StatementFailed`, or with `StatementStopped` when it was not sent. */
  async send(
    statement: SqlStatement,
    kind: StatementKind,
    { alone = false, observed = true }: SendOptions = {},
  ): Promise<StatementOutcome> {
    const { session, report, track, signal, graceMs, evidence } = this.#options;
    const tooLong = await this.#tooLong(statement);
    if (tooLong !== undefined) {
      if (alone) await track.refused(statement, kind);
      throw new StatementFailed(statement, new Error(tooLong));
    }
    evidence(`statement ${statement.number}, connection ${session.threadId}`);
    const { handler, sinks } = report.rows();
    const since = performance.now();
    const executed = (outcome: StatementOutcome): Promise<void> | undefined =>
      track.executed(statement, { kind, outcome, observed }, { seconds: (performance.now() - since) / 1000, sinks });
    let outcome: StatementOutcome;
    try {
      outcome = await runStatement(session, statement.text, { signal, graceMs, handler });
    } catch (err) {
      const answer = answerTo(err);
      if (answer === 'unsent') throw err;
      // Stopped, but executed all the same: what it changed counts.
      if (err instanceof StatementStopped && err.outcome !== undefined && !isReadOnly(kind)) {
        await executed(err.outcome);
        if (alone) await track.committed(session, err.outcome.gtids);
      } else if (alone && answer === 'failed') await track.refused(statement, kind);
      else if (alone) await track.lost(statement, kind);
      throw new StatementFailed(statement, err, alone && kind === 'call' && hasBegun(err) ? { note: PARTLY } : {});
    }
    await blame(statement, async () => executed(outcome));
    return outcome;
  }

  /** Sends changes of the open transaction, many in one trip where that can be. Rejects as `send`. */
  async sendAll(statements: readonly SqlStatement[]): Promise<void> {
    let group = new StatementGroup();
    const flush = async (): Promise<void> => {
      const { statements: grouped } = group;
      group = new StatementGroup();
      await this.sendGroup(grouped);
    };
    for (const statement of statements) {
      if (await this.joinsGroup(statement)) {
        group.add(statement);
        if (group.isFull) await flush();
      } else {
        await flush();
        await this.send(statement, 'dml');
      }
    }
    await flush();
  }

  /** Whether a change of an open transaction may go to the server with others: of a long text, the short ones. */
  async joinsGroup({ number, text }: SqlStatement): Promise<boolean> {
    return number > ONE_BY_ONE && text.length <= MAX_GROUPED_CHARS && (await this.session.takesGroups());
  }

  /** Sends changes of the open transaction in one trip; resolves to what the server said of each. Rejects as `send`. */
  async sendGroup(statements: readonly SqlStatement[]): Promise<readonly StatementOutcome[]> {
    const { session, report, track, signal, graceMs, evidence } = this.#options;
    const [first, last] = [statements[0], statements.at(-1)];
    if (first === undefined || last === undefined) return [];
    evidence(`statements ${first.number}-${last.number}, connection ${session.threadId}`);
    const outcomes: StatementOutcome[] = [];
    let logged: Promise<unknown> = Promise.resolve();
    let rows = report.rows();
    let since = performance.now();
    const ended = (index: number, outcome: StatementOutcome): void => {
      const statement = statements[index];
      if (statement === undefined) return;
      outcomes.push(outcome);
      const now = performance.now();
      const how = { seconds: (now - since) / 1000, sinks: rows.sinks };
      const logging = track.executed(statement, { kind: 'dml', outcome, observed: true }, how);
      if (logging !== undefined) logged = Promise.all([logged, logging]);
      [since, rows] = [now, report.rows()];
    };
    try {
      const texts = statements.map(({ text }) => text);
      await runGroup(session, texts, { signal, graceMs, handlerOf: () => rows.handler, ended });
      await logged;
      if (outcomes.length === statements.length) return outcomes;
      throw new Error(
        `the server took ${statements.length} statements for ${outcomes.length}: they are split differently`,
      );
    } catch (err) {
      if (answerTo(err) === 'unsent') throw err;
      // All of them may have been executed when it was stopped; when the connection is lost it may be any of the rest.
      throw new StatementFailed(statements[outcomes.length] ?? last, err, isLost(err) ? { through: last.number } : {});
    }
  }

  /** Opens a transaction, whose first statement is given. */
  async open(first: SqlStatement): Promise<void> {
    try {
      await this.#options.track.before(this.session, first, false);
      await this.#query('START TRANSACTION');
    } catch (err) {
      // Stopped before the statement was sent: it is not to blame.
      throw err instanceof StatementStopped ? err : new StatementFailed(first, err);
    }
  }

  /**
   * Commits the open transaction, by the text's own statement if there is one. Rejects with `CommitLost` when the
   * transaction has ended, else it is still open. Resolves also when only the observers know that it was committed.
   */
  async commit(last: SqlStatement, own?: SqlStatement): Promise<void> {
    const { track, evidence } = this.#options;
    const blamed = own ?? { ...last, text: 'COMMIT' };
    if (own !== undefined) track.keepSent(own, 'commit');
    await blame(blamed, () => track.beforeCommit(this.session));
    evidence(`COMMIT after statement ${last.number}, connection ${this.session.threadId}`);
    const since = performance.now();
    let outcome: StatementOutcome;
    try {
      outcome = await this.#query(own?.text ?? 'COMMIT', true);
    } catch (err) {
      if (answerTo(err) === 'unsent') throw err;
      if (!(await this.#hasEnded(err))) throw new StatementFailed(blamed, err);
      if ((await track.ended('unknown')) === 'committed') return;
      throw new CommitLost(blamed, err);
    }
    if (own !== undefined)
      await track.executed(
        own,
        { kind: 'commit', outcome, observed: false },
        { seconds: (performance.now() - since) / 1000, sinks: [] },
      );
    await blame(blamed, () => track.committed(this.session, outcome.gtids), CommitLost);
  }

  /** Rolls the open transaction back; never rejects. */
  async rollBack(): Promise<void> {
    const { session } = this;
    // A connection that is lost or does not answer is closed: the server rolls back what it was not asked to commit.
    if (session.broken === undefined)
      await session
        .execute('ROLLBACK', ROLLBACK_MS)
        .then((outcome) => this.noteRollback(outcome))
        .catch(() => session.destroy());
    await this.#options.track.ended('rolledBack');
  }

  /** Keeps what the server said that a ROLLBACK could not undo: tables of MyISAM, for example. */
  async noteRollback({ warnings }: StatementOutcome): Promise<void> {
    if (warnings === 0) return;
    const rows = await this.session.rows('SHOW WARNINGS');
    const found = rows.find(({ Code: code }) => code === NOT_ROLLED_BACK);
    if (found !== undefined) this.#notRolledBack = found['Message'] ?? undefined;
  }

  /** Why it is not sent: a server that gets more than it takes closes the connection, and says so too late. */
  async #tooLong({ text }: SqlStatement): Promise<string | undefined> {
    if (text.length < MAX_UNCHECKED_CHARS) return undefined;
    const bytes = Buffer.byteLength(text);
    const most = await this.session.maxStatementBytes();
    if (bytes <= most) return undefined;
    return `the statement has ${bytes} bytes, and the server takes ${most} at most: see its max_allowed_packet`;
  }

  #query(sql: string, patient = false): Promise<StatementOutcome> {
    const { signal, graceMs } = this.#options;
    return runStatement(this.session, sql, { signal, graceMs, patient });
  }

  /** Whether, after a COMMIT that failed, nothing is left to roll back, and nobody knows whether it was committed. */
  async #hasEnded(err: unknown): Promise<boolean> {
    if (answerTo(err) === 'lost') return true;
    const cause = err instanceof StatementStopped ? err.cause : err;
    // Refused for what it holds, it is rolled back; interrupted, it may have gone through.
    if (!isServerError(cause) || cause.errno !== ERRNO.queryInterrupted) return false;
    await this.session.execute('SELECT 1', ROLLBACK_MS).catch(() => undefined);
    return this.session.broken !== undefined || !this.session.inTransaction;
  }
}

/** Whether the server may have executed some of a procedure before it failed: it found it, and could read it. */
const hasBegun = (err: unknown): boolean => !isServerError(err) || !NOT_BEGUN.includes(err.errno);

/** That the connection is lost between two statements, or refuses a question of ours, as the failure of a statement. */
export async function blameLoss(statement: SqlStatement, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (err) {
    throw isLost(err) || isServerError(err) ? new StatementFailed(statement, err) : err;
  }
}

/** What an observer rejects with, as the failure of a statement. */
export async function blame(
  statement: SqlStatement,
  work: () => Promise<void>,
  Failure: new (statement: SqlStatement, cause: unknown) => StatementFailed = StatementFailed,
): Promise<void> {
  try {
    await work();
  } catch (err) {
    throw new Failure(statement, err);
  }
}
