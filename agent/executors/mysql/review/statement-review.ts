import type { SqlStatement } from '../../sql/split-statements.ts';
import { remark, worstLevel } from './remark.ts';
import type { Remark, RemarkCode, RemarkLevel } from './remark.ts';
import type { ReviewSession } from './review-session.ts';
import { ScriptState } from './script-state.ts';
import { ServerReview } from './server-review.ts';
import { shapeOf } from './statement-shape.ts';
import type { StatementShape } from './statement-shape.ts';
import { inexactBackup } from './table-remarks.ts';
import type { TableUse } from './table-use.ts';
import { textRemarks } from './text-remarks.ts';

/** Whether what a statement changes could be undone by a backup. */
export interface BackupVerdict {
  readonly possible: boolean;
  /** Every row would be as it was. */
  readonly exact: boolean;
  readonly message: string | undefined;
}

/** What a review says of a statement. */
export interface Verdict {
  readonly level: RemarkLevel;
  readonly remarks: readonly Remark[];
  readonly tables: readonly TableUse[];
  /** Rows that it would change, or of a query find; undefined: nobody knows. */
  readonly estimatedRows: number | undefined;
  /** Undefined: it changes no rows. */
  readonly backup: BackupVerdict | undefined;
}

export interface StatementReviewOptions {
  /** Undefined: only texts are reviewed. */
  readonly server: ReviewSession | undefined;
  /** So many statements the server is asked about. */
  readonly maxAsked: number;
  /** Why no change can be backed up; undefined: it can. Asked once, at the first change. */
  readonly noBackup: () => Promise<string | undefined>;
  /** Statements are executed after their review: names that earlier ones make are there. */
  readonly executes: boolean;
  /** So much of a statement is looked at. */
  readonly maxChars?: number;
}

/** A change of so many rows is long in a transaction, and late on replicas. */
const LARGE_CHANGE_ROWS = 10_000;

/** Reviews the statements of a script, one after the other. */
export class StatementReview {
  readonly #options: StatementReviewOptions;
  readonly #state = new ScriptState();
  #server: ServerReview | undefined;
  #noBackup: Promise<string | undefined> | undefined;

  constructor(options: StatementReviewOptions) {
    this.#options = options;
    const { server } = options;
    this.#server = server && new ServerReview({ ...options, server, state: this.#state });
  }

  /** Whether the server has not been asked about some for their number. */
  get isLimited(): boolean {
    return this.#server?.isLimited ?? false;
  }

  /** From now on only texts are reviewed. */
  leaveServer(): void {
    this.#server = undefined;
  }

  /** Rejects only when the connection is lost or the task is to end. */
  async review({ number, text }: SqlStatement): Promise<Verdict> {
    const { server, maxChars } = this.#options;
    const shape = shapeOf(text, server?.serverVersion, maxChars);
    const remarks = textRemarks(shape, { inTransaction: this.#state.inTransaction });
    const answer = await this.#server?.review(shape);
    remarks.push(...(answer?.remarks ?? []).filter(({ code }) => code !== 'AlwaysTrueWhere' || !has(remarks, code)));
    const rows = shape.listed ?? answer?.rows;
    const changes = shape.kind === 'dml' || shape.kind === 'ddl';
    if (changes && rows !== undefined && rows >= LARGE_CHANGE_ROWS)
      remarks.push(remark('LargeChange', 1, `about ${rows} rows: do it in parts, if others use the table`));
    this.#server?.follow(shape);
    this.#state.follow(shape, number, server?.schema);
    return {
      level: worstLevel(remarks),
      remarks,
      tables: shape.tables,
      estimatedRows: rows,
      backup: await this.#backupOf(shape, remarks),
    };
  }

  async #backupOf({ kind, verb }: StatementShape, remarks: readonly Remark[]): Promise<BackupVerdict | undefined> {
    if (kind === 'ddl') return { possible: false, exact: false, message: `${verb === '' ? 'it' : verb} is not undone` };
    if (kind !== 'dml' && kind !== 'call') return undefined;
    const impossible = await (this.#noBackup ??= this.#options.noBackup());
    if (impossible !== undefined) return { possible: false, exact: false, message: impossible };
    const message = kind === 'call' ? 'what it does is not known' : inexactBackup(remarks);
    return { possible: true, exact: message === undefined, message };
  }
}

const has = (remarks: readonly Remark[], code: RemarkCode): boolean => remarks.some((said) => said.code === code);
