import type { OutputSink } from '../../executor.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { MysqlSession } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';
import { shownRemark } from './remark.ts';
import type { RemarkCode } from './remark.ts';
import { ReviewSession } from './review-session.ts';
import { StatementReview } from './statement-review.ts';
import type { Verdict } from './statement-review.ts';

export interface RunReviewOptions {
  /** Opens a session beside the run's: questions in that one would change what its ROW_COUNT() and warnings say. */
  readonly connect: () => Promise<MysqlSession>;
  readonly output: OutputSink;
  /** Takes secrets out of what we write ourselves. */
  readonly mask: (text: string) => string;
  /** Aborts with why the task is to end. */
  readonly signal: AbortSignal;
  /** See `RunStatementOptions`. */
  readonly graceMs: number;
}

/** The server is asked about so many statements: a script of thousands shall not take longer for it. */
const MAX_ASKED = 200;
const MAX_CHARS = 64 * 1024;
const QUESTION_SECONDS = 1;
/** So many lines are logged of one code; then they are counted. */
const MAX_LINES = 50;
/** Of these nothing is to be said, and they change nothing that later remarks depend on. */
const UNREMARKABLE: readonly StatementKind[] = ['select', 'show', 'savepoint'];

/**
 * The review of a script that is executed: what is said of each statement goes to the log before it is sent. It refuses
 * nothing, and when its own connection fails it goes on with the texts alone.
 */
export class RunReview {
  readonly #options: RunReviewOptions;
  readonly #counts = new Map<RemarkCode, number>();
  #session: MysqlSession | undefined;
  #review: StatementReview | undefined;
  #reviewed = 0;
  #tail: Promise<void> = Promise.resolve();
  #isLocked = false;

  constructor(options: RunReviewOptions) {
    this.#options = options;
  }

  /** Says what there is to say of a statement before it is sent; never rejects. */
  readonly before = (statement: SqlStatement, kind: StatementKind): Promise<void> | undefined => {
    if (UNREMARKABLE.includes(kind)) return undefined;
    if (this.#reviewed >= MAX_ASKED && kind === 'dml' && isPlain(statement.text)) return undefined;
    // One after the other, also where statements run side by side.
    return (this.#tail = this.#tail.then(() => this.#say(statement, kind)));
  };

  /** To be called once, when the run has ended: says what was only counted. */
  async end(): Promise<void> {
    const { output } = this.#options;
    await this.#tail;
    const more = [...this.#counts].filter(([, count]) => count > MAX_LINES);
    if (more.length > 0)
      await output.log('warn', `Review: ${more.map(([code, count]) => `${code} of ${count} statements`).join(', ')}`);
    await this.#session?.end();
  }

  async #say(statement: SqlStatement, kind: StatementKind): Promise<void> {
    const { output, mask, signal } = this.#options;
    if (signal.aborted) return;
    this.#reviewed += 1;
    const review = (this.#review ??= await this.#open());
    // While the run itself holds tables locked, nobody else can ask about them.
    if (kind === 'lock') this.#isLocked = true;
    if (this.#isLocked) review.leaveServer();
    let verdict: Verdict;
    try {
      verdict = await review.review(statement);
    } catch {
      review.leaveServer();
      return;
    }
    const lines = verdict.remarks
      .filter(({ level, code }) => level > 0 && this.#count(code))
      .map((said) => shownRemark(said, mask))
      .map(({ code, text }) => `${code}: ${text}`);
    const rows = kind === 'dml' ? verdict.estimatedRows : undefined;
    if (lines.length === 0 && rows === undefined) return;
    const about = rows === undefined ? '' : ` (Estimated rows: ${rows})`;
    const head = `[CHECKED] Audit Completed (Order ID: ${statement.number})${about}`;
    await output.log(lines.length === 0 ? 'info' : 'warn', lines.length === 0 ? head : `${head}: ${lines.join('; ')}`);
  }

  async #open(): Promise<StatementReview> {
    const { connect, signal, graceMs } = this.#options;
    let server: ReviewSession | undefined;
    try {
      this.#session = await connect();
      server = await ReviewSession.open(this.#session, { signal, graceMs, questionSeconds: QUESTION_SECONDS });
    } catch {
      // The run has a connection: one more may be one too many for the account.
    }
    const noBackup = (): Promise<undefined> => Promise.resolve(undefined);
    return new StatementReview({ server, maxAsked: MAX_ASKED, executes: true, maxChars: MAX_CHARS, noBackup });
  }

  /** Whether it is still to be said. */
  #count(code: RemarkCode): boolean {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    return count <= MAX_LINES;
  }
}

/** One row by its key: `… WHERE id = 5`, `… WHERE \`name\` = 'x'`. */
const ONE_ROW = /\bWHERE\s+[`a-z_][`\w.]*\s*=\s*(?:\d+|'[^'\\]*')\s*$/i;

/** Whether nothing can be said against a change by its text: scripts have millions of such. */
function isPlain(text: string): boolean {
  if (/^\s*(?:INSERT|REPLACE)\b/i.test(text)) return true;
  return ONE_ROW.test(text) && !['/*', '--', '#'].some((mark) => text.includes(mark));
}
