import type { SqlStatement } from '../../sql/split-statements.ts';
import type { Place } from './text-remarks.ts';
import { foreignCall } from './foreign-call.ts';
import { remark, worstLevel } from './remark.ts';
import type { Remark, RemarkLevel } from './remark.ts';
import type { ReviewSession } from './review-session.ts';
import { ScriptState } from './script-state.ts';
import { canPrepare, dorisRemark, noEstimate, refusalRemark } from './server-remarks.ts';
import { shapeOf } from './statement-shape.ts';
import type { StatementShape } from './statement-shape.ts';
import { TableLookup } from './table-lookup.ts';
import { alteredTableRemarks, changedTableRemarks, inexactBackup } from './table-remarks.ts';
import { nameOf } from './table-use.ts';
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
  /** Why no change can be backed up; undefined: it can. */
  readonly noBackup: string | undefined;
  /** Statements are executed after their review: names that earlier ones make are there. */
  readonly executes: boolean;
}

/** A change of so many rows is large: https://dev.mysql.com/doc/refman/9.7/en/group-replication-limitations.html and others warn of such. */
export const LARGE_CHANGE_ROWS = 10_000;
/** Reading a table of fewer rows as a whole hurts nobody. */
const SCAN_ROWS = 1000;
const LARGE_TABLE = { rows: 1_000_000, bytes: 1024 ** 3 };

/** Reviews the statements of a script, one after the other. */
export class StatementReview {
  readonly #options: StatementReviewOptions;
  readonly #state = new ScriptState();
  readonly #tables: TableLookup | undefined;
  #asked = 0;

  constructor(options: StatementReviewOptions) {
    this.#options = options;
    this.#tables = options.server && new TableLookup(options.server);
  }

  /** Whether the server has not been asked about some for their number. */
  get isLimited(): boolean {
    return this.#asked > this.#options.maxAsked;
  }

  /** Rejects only when the connection is lost or the task is to end. */
  async review({ number, text }: SqlStatement): Promise<Verdict> {
    const { server, executes } = this.#options;
    const shape = shapeOf(text, server?.serverVersion);
    const place: Place = { inTransaction: this.#state.inTransaction };
    const remarks = textRemarks(shape, place);
    let estimated: number | undefined;
    if (server !== undefined && shape.kind === 'use') remarks.push(...(await this.#use(server, shape)));
    else if (server !== undefined && isAsked(shape)) {
      this.#asked += 1;
      if (this.#asked <= this.#options.maxAsked) {
        const answers = await this.#ask(server, shape);
        remarks.push(...answers.remarks);
        estimated = answers.rows;
      }
    }
    const rows = shape.listed ?? estimated;
    const changes = shape.kind === 'dml' || shape.kind === 'ddl';
    if (changes && rows !== undefined && rows >= LARGE_CHANGE_ROWS)
      remarks.push(remark('LargeChange', 1, `about ${rows} rows: do it in parts, if others use the table`));
    if (executes && (shape.kind === 'ddl' || shape.kind === 'call')) this.#tables?.forget();
    this.#state.follow(shape, number, server?.schema);
    return {
      level: worstLevel(remarks),
      remarks,
      tables: shape.tables,
      estimatedRows: rows,
      backup: this.#backupOf(shape, remarks),
    };
  }

  async #use(server: ReviewSession, { tokens }: StatementShape): Promise<Remark[]> {
    const name = tokens.at(1)?.kind === 'word' ? tokens.raw(1) : (tokens.at(1)?.text ?? '');
    try {
      await server.use(name);
      this.#state.used(name, true);
      return [];
    } catch (err) {
      const found = refusalRemark(err, this.#state);
      this.#state.used(name, false);
      const maker = this.#state.madeDatabase(name);
      return maker === undefined ? [found] : [];
    }
  }

  async #ask(
    server: ReviewSession,
    shape: StatementShape,
  ): Promise<{ readonly remarks: Remark[]; readonly rows: number | undefined }> {
    const makers = this.#options.executes ? [] : this.#makers(server, shape);
    const found: Remark[] = [];
    const call = await this.#foreignCall(server, shape);
    if (call !== undefined)
      return {
        remarks: [remark('NotEstimated', 0, `rows are not estimated: asking the server could run ${call}`)],
        rows: undefined,
      };
    if (canPrepare(server.flavour) && isPreparable(shape)) {
      const refused = await this.#refusal(server, shape.tokens.text);
      // Names that the script makes are not there yet: then only the syntax counts.
      if (refused !== undefined && (makers.length === 0 || refused.code === 'SyntaxError')) found.push(refused);
    }
    if (makers.length > 0) {
      const [[name, number] = ['', 0]] = makers;
      found.push(remark('TableFromScript', 0, `${name} is changed by statement ${number}: rows are not estimated`));
      return { remarks: found, rows: undefined };
    }
    const about = await this.#aboutTables(server, shape, found);
    found.push(...about.remarks);
    if (shape.query === undefined || worstLevel(found) === 2) return { remarks: found, rows: about.rows };
    const estimate = await this.#estimate(server, shape);
    return { remarks: [...found, ...estimate.remarks], rows: estimate.rows };
  }

  /** Tables of a statement that earlier statements of the script make or change, and which. */
  #makers(server: ReviewSession, { tables }: StatementShape): (readonly [name: string, number: number])[] {
    return tables.flatMap((table) => {
      const number = this.#state.touchedBy(table, server.schema);
      return number === undefined ? [] : [[nameOf(table), number] as const];
    });
  }

  /** Something in the statement, or in a view that it uses, that the server might run when asked about it. */
  async #foreignCall(
    server: ReviewSession,
    { tokens, tables, kind, verb }: StatementShape,
  ): Promise<string | undefined> {
    if (tokens.cut) return undefined;
    // Definitions are only read; what they select from is looked up.
    const query = kind === 'ddl' ? tokens.list.findIndex((_, index) => tokens.word(index) === 'SELECT') : 0;
    const call = query < 0 ? undefined : foreignCall(tokens, query);
    if (call !== undefined || verb === 'DROP VIEW' || this.#tables === undefined) return call;
    for (const { schema = server.schema, name, use } of tables) {
      if (schema === undefined || (use !== 'read' && use !== 'change')) continue;
      if ((await this.#tables.state(schema, name))?.isView !== true) continue;
      const within = await this.#tables.callInView(schema, name);
      if (within !== undefined) return within;
    }
    return undefined;
  }

  async #refusal(server: ReviewSession, text: string): Promise<Remark | undefined> {
    try {
      await server.prepare(text);
      return undefined;
    } catch (err) {
      return refusalRemark(err, this.#state);
    }
  }

  /** What the tables that are changed, altered or dropped are, and whether they are there. */
  async #aboutTables(
    server: ReviewSession,
    shape: StatementShape,
    before: readonly Remark[],
  ): Promise<{ readonly remarks: Remark[]; readonly rows: number | undefined }> {
    const found: Remark[] = [];
    let rows: number | undefined;
    if (this.#tables === undefined || server.flavour === 'doris') return { remarks: found, rows };
    for (const { schema = server.schema, name, use } of shape.tables) {
      if (schema === undefined || use === 'read') continue;
      const state = await this.#tables.state(schema, name);
      const called = `${schema}.${name}`;
      if (use === 'create') {
        if (state !== undefined && isStrictCreate(shape))
          found.push(this.#named('TableExists', `${called} is there already`));
        continue;
      }
      if (state === undefined) {
        const lenient = shape.tokens.list.some(({ text }, index) => index < 8 && text === 'EXISTS');
        if (before.every(({ code }) => code !== 'UnknownTable') && !lenient && shape.kind !== 'set')
          found.push(this.#named('UnknownTable', `there is no ${called}, or the login does not see it`));
        continue;
      }
      const facts = state.isView ? undefined : await this.#tables.facts(schema, name);
      if (use === 'change' && facts !== undefined) found.push(...changedTableRemarks(shape, facts));
      if (use === 'alter' && facts !== undefined) {
        found.push(...alteredTableRemarks(shape, facts));
        if (state.rows >= LARGE_TABLE.rows || state.bytes >= LARGE_TABLE.bytes)
          found.push(
            remark(
              'LargeTable',
              1,
              `${called} has about ${state.rows} rows in ${Math.round(state.bytes / 1024 ** 2)} MiB: it may be copied and locked for long`,
            ),
          );
      }
      if (use === 'drop' || use === 'truncate') rows = (rows ?? 0) + state.rows;
    }
    return { remarks: found, rows };
  }

  #named(code: 'UnknownTable' | 'TableExists', text: string): Remark {
    return this.#state.isUnsure
      ? remark(code, 1, `${text} (unless the statements before it change that)`)
      : remark(code, 2, text);
  }

  async #estimate(
    server: ReviewSession,
    { query = '', narrowing, kind, verb, tables }: StatementShape,
  ): Promise<{ readonly remarks: readonly Remark[]; readonly rows: number | undefined }> {
    try {
      const { rows, scans, unfiltered } = await server.explain(query);
      const found: Remark[] = [];
      const changed = tables.find(({ use }) => use === 'change');
      const isTrue = unfiltered && narrowing?.where !== undefined && !narrowing.hasLimit && (rows ?? 0) > 1;
      if (isTrue)
        found.push(
          remark(
            'AlwaysTrueWhere',
            1,
            `the server takes WHERE for true of every row${changed ? ` of ${nameOf(changed)}` : ''}`,
          ),
        );
      const wide = scans.filter((scan) => scan.rows >= SCAN_ROWS);
      const isWhole = narrowing !== undefined && narrowing.where === undefined;
      if (wide.length > 0 && !isTrue && !isWhole)
        found.push(
          remark(
            'FullScan',
            1,
            `no index helps: ${wide.map((scan) => `${scan.table} is read as a whole, about ${scan.rows} rows`).join('; ')}${kind === 'dml' && verb !== 'INSERT' ? ' and locked' : ''}`,
          ),
        );
      return { remarks: found, rows: rows === undefined ? undefined : Math.min(rows, narrowing?.limit ?? Infinity) };
    } catch (err) {
      const found = server.flavour === 'doris' && kind === 'select' ? dorisRemark(err) : noEstimate(err);
      return { remarks: [found], rows: undefined };
    }
  }

  #backupOf({ kind, verb }: StatementShape, remarks: readonly Remark[]): BackupVerdict | undefined {
    if (kind === 'ddl') return { possible: false, exact: false, message: `${verb === '' ? 'it' : verb} is not undone` };
    if (kind === 'call')
      return {
        possible: this.#options.noBackup === undefined,
        exact: false,
        message: this.#options.noBackup ?? 'what it does is not known',
      };
    if (kind !== 'dml') return undefined;
    const { noBackup } = this.#options;
    if (noBackup !== undefined) return { possible: false, exact: false, message: noBackup };
    const message = inexactBackup(remarks);
    return { possible: true, exact: message === undefined, message };
  }
}

/** Whether the server can say anything of it that is worth a question. */
const isAsked = ({ kind, tokens }: StatementShape): boolean =>
  !tokens.cut && !/^(?:begin|commit|rollback|savepoint|lock|xa|show)$/.test(kind);

/** Whether the server may read it without any effect. */
function isPreparable({ kind, verb, tokens }: StatementShape): boolean {
  if (kind === 'select' || kind === 'ddl' || kind === 'call') return true;
  if (kind === 'dml') return /^(?:INSERT|REPLACE|UPDATE|DELETE|SELECT|WITH)$/.test(verb);
  if (kind === 'set') return /^(?:SET|CREATE|DROP)$/.test(tokens.word(0)) && tokens.word(1) !== 'PREPARE';
  // INTO OUTFILE is opened early by some versions.
  return kind === 'other' && !/^(?:SELECT|WITH|TABLE|VALUES|HANDLER)$/.test(verb);
}

const isStrictCreate = ({ tokens, kind, verb }: StatementShape): boolean =>
  kind === 'ddl' &&
  /^CREATE (?:TABLE|VIEW)$/.test(verb) &&
  !tokens.list.some((_, index) => index < 10 && /^(?:EXISTS|REPLACE)$/.test(tokens.word(index)));
