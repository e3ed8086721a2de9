import { ERRNO, isServerError } from '../session/server-error.ts';
import { statementKind } from '../text/statement-kind.ts';
import { foreignCall } from './foreign-call.ts';
import { remark, worstLevel } from './remark.ts';
import type { Remark } from './remark.ts';
import type { ReviewSession } from './review-session.ts';
import type { ScriptState } from './script-state.ts';
import { canPrepare, dorisRemark, noEstimate, notChecked, refusalRemark } from './server-remarks.ts';
import type { StatementShape } from './statement-shape.ts';
import { TableLookup } from './table-lookup.ts';
import { alteredTableRemarks, changedTableRemarks } from './table-remarks.ts';
import { nameOf } from './table-use.ts';

export interface ServerReviewOptions {
  readonly server: ReviewSession;
  readonly state: ScriptState;
  readonly maxAsked: number;
  readonly executes: boolean;
}

/** What the server says of a statement. */
export interface ServerAnswer {
  readonly remarks: readonly Remark[];
  /** That the statement would change or find, as the server estimates; undefined: it does not say. */
  readonly rows: number | undefined;
}

/** Reading a table of fewer rows as a whole hurts nobody. */
const SCAN_ROWS = 1000;
/** The server is sent so much of a script's text. */
const MAX_ASKED_CHARS = 64 * 1024 * 1024;
const LARGE_TABLE = { rows: 1_000_000, bytes: 1024 ** 3 };

/** Asks a server about the statements of a script, one after the other, without executing any. */
export class ServerReview {
  readonly #server: ReviewSession;
  readonly #state: ScriptState;
  readonly #tables: TableLookup;
  #maxAsked: number;
  readonly #executes: boolean;
  #asked = 0;
  #askedChars = 0;

  constructor({ server, state, maxAsked, executes }: ServerReviewOptions) {
    this.#server = server;
    this.#state = state;
    this.#tables = new TableLookup(server);
    this.#maxAsked = maxAsked;
    this.#executes = executes;
  }

  /** Whether it was not asked about some statements for their number. */
  get isLimited(): boolean {
    return this.#asked > this.#maxAsked || this.#askedChars > MAX_ASKED_CHARS;
  }

  /** Rejects only when the connection is lost or the task is to end. */
  async review(shape: StatementShape): Promise<ServerAnswer> {
    if (shape.kind === 'use') return { remarks: await this.#use(shape), rows: undefined };
    if (this.#executes ? !isWorthAsking(shape) : !isAsked(shape)) return { remarks: [], rows: undefined };
    this.#asked += 1;
    if (!shape.tokens.cut) this.#askedChars += shape.tokens.text.length;
    if (this.isLimited) return { remarks: [], rows: undefined };
    try {
      return await this.#ask(shape);
    } catch (err) {
      return { remarks: [notChecked(err)], rows: undefined };
    }
  }

  /** The statement is executed next, which makes what is known of tables old. */
  follow({ kind }: StatementShape): void {
    if (this.#executes && (kind === 'ddl' || kind === 'call')) this.#tables.forget();
  }

  async #use({ tokens }: StatementShape): Promise<Remark[]> {
    const name = tokens.at(1)?.kind === 'word' ? tokens.raw(1) : (tokens.at(1)?.text ?? '');
    try {
      await this.#server.use(name);
      this.#state.used(name, true);
      return [];
    } catch (err) {
      const found = refusalRemark(err, this.#state);
      this.#state.used(name, false);
      const maker = this.#state.madeDatabase(name);
      return maker === undefined ? [found] : [];
    }
  }

  async #ask(shape: StatementShape): Promise<{ readonly remarks: Remark[]; readonly rows: number | undefined }> {
    const makers = this.#executes ? [] : this.#makers(shape);
    const found: Remark[] = [];
    const call = await this.#foreignCall(shape);
    if (call !== undefined)
      return {
        remarks: [remark('NotChecked', 0, `the server is not asked about it: that could run ${call}`)],
        rows: undefined,
      };
    // What is executed next is told by the server itself when it cannot be.
    if (!this.#executes && canPrepare(this.#server.flavour) && isPreparable(shape) && !shape.tokens.cut) {
      const refused = await this.#refusal(shape.tokens.text);
      // Names that the script makes are not there yet: then only the syntax counts.
      if (refused !== undefined && (makers.length === 0 || refused.code === 'SyntaxError')) found.push(refused);
    }
    if (makers.length > 0) {
      const [[name, number] = ['', 0]] = makers;
      found.push(remark('TableFromScript', 0, `${name} is changed by statement ${number}: rows are not estimated`));
      return { remarks: found, rows: undefined };
    }
    const about = await this.#aboutTables(shape, found);
    found.push(...about.remarks);
    // What is explained must be a query that only reads, whatever the statement was put together from.
    const { query = '' } = shape;
    if (statementKind(query, this.#server.serverVersion) !== 'select' || worstLevel(found) === 2)
      return { remarks: found, rows: about.rows };
    const estimate = await this.#estimate(shape);
    return { remarks: [...found, ...estimate.remarks], rows: estimate.rows };
  }

  /** Tables of a statement that earlier statements of the script make or change, and which. */
  #makers({ tables }: StatementShape): (readonly [name: string, number: number])[] {
    return tables.flatMap((table) => {
      const number = this.#state.touchedBy(table, this.#server.schema);
      return number === undefined ? [] : [[nameOf(table), number] as const];
    });
  }

  /** Something in the statement, or in a view that it uses, that the server might run when asked about it. */
  async #foreignCall({ tokens, tables, kind, verb }: StatementShape): Promise<string | undefined> {
    if (tokens.cut) return undefined;
    // Of definitions only those with a query have it looked at; the bodies of programs are only read.
    const isProgram = /\b(?:PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)$/.test(verb);
    const query = isProgram
      ? -1
      : kind === 'ddl'
        ? tokens.list.findIndex((_, index) => tokens.word(index) === 'SELECT')
        : 0;
    const call = query < 0 ? undefined : foreignCall(tokens, query);
    if (call !== undefined || verb === 'DROP VIEW') return call;
    for (const { schema = this.#server.schema, name, use } of tables) {
      if (schema === undefined || (use !== 'read' && use !== 'change')) continue;
      if ((await this.#tables.state(schema, name))?.isView !== true) continue;
      const within = await this.#tables.callInView(schema, name);
      if (within !== undefined) return within;
    }
    return undefined;
  }

  async #refusal(text: string): Promise<Remark | undefined> {
    try {
      await this.#server.prepare(text);
      return undefined;
    } catch (err) {
      return refusalRemark(err, this.#state);
    }
  }

  /** What the tables that are changed, altered or dropped are, and whether they are there. */
  async #aboutTables(
    shape: StatementShape,
    before: readonly Remark[],
  ): Promise<{ readonly remarks: Remark[]; readonly rows: number | undefined }> {
    const found: Remark[] = [];
    let rows: number | undefined;
    if (this.#server.flavour === 'doris') return { remarks: found, rows };
    for (const { schema = this.#server.schema, name, use } of shape.tables) {
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

  async #estimate({
    query = '',
    narrowing,
    kind,
    verb,
    tables,
  }: StatementShape): Promise<{ readonly remarks: readonly Remark[]; readonly rows: number | undefined }> {
    try {
      const { rows, scans, unfiltered } = await this.#server.explain(query);
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
      const isWhole = narrowing !== undefined && narrowing.where === undefined && !narrowing.joined;
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
      // A run shall not wait again and again for what it may itself hold up.
      if (this.#executes && isServerError(err) && err.errno === ERRNO.lockWaitTimeout) this.#maxAsked = 0;
      const found = this.#server.flavour === 'doris' && kind === 'select' ? dorisRemark(err) : noEstimate(err);
      return { remarks: [found], rows: undefined };
    }
  }
}

/** Whether the server can say anything of it that is worth a question. */
const isAsked = ({ kind, tokens, listed }: StatementShape): boolean =>
  (!tokens.cut || listed !== undefined) && !/^(?:begin|commit|rollback|savepoint|lock|xa|show)$/.test(kind);

/** Whether it changes rows or tables: of the rest a run learns soon enough. */
const isWorthAsking = (shape: StatementShape): boolean =>
  isAsked(shape) && (shape.kind === 'dml' || /^(?:ALTER|DROP|TRUNCATE) TABLE$/.test(shape.verb));

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
