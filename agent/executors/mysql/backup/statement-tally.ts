import { cutText } from '../../../output/utf8.ts';
import type { RollbackText } from '../order-lines.ts';
import type { SentStatement } from '../transaction-observer.ts';

/** What undoes the changes of one statement, as far as its report shows it. */
interface Group {
  count: number;
  /** The last ones, in the order of the changes. */
  shown: string[];
  shownChars: number;
  inexact: string | undefined;
}

const MAX_SHOWN_BYTES = 1024;
/** Of all groups of a transaction together; further ones only count. */
const MAX_KEPT_CHARS = 8 * 1024 * 1024;

/** Puts the changes of a transaction together by the statements that made them. */
export class StatementTally {
  #groups: Group[] = [];
  #open: Group | undefined;
  #keptChars = 0;
  /** Rollback statements in all. */
  statements = 0;
  /** Why not all of it is exact; the first reason. */
  inexact: string | undefined;

  /** A change, in the order of the log. */
  add(sql: string | undefined, inexact: string | undefined, statementEnd: boolean): void {
    const group = (this.#open ??= this.#begin());
    if (inexact !== undefined) {
      this.inexact ??= inexact;
      group.inexact ??= inexact;
    }
    if (sql !== undefined) {
      this.statements += 1;
      group.count += 1;
      this.#show(group, sql);
    }
    if (statementEnd) this.#open = undefined;
  }

  /**
   * What undoes each of the statements. `logged`: those that changed rows of tables which the log tells of. When the log
   * has another number of statements, nobody can say which is whose.
   */
  texts(logged: readonly SentStatement[]): ReadonlyMap<number, RollbackText> {
    const texts = new Map<number, RollbackText>();
    if (this.#groups.length === logged.length) {
      for (const [index, { number }] of logged.entries()) {
        const group = this.#groups[index];
        if (group !== undefined) texts.set(number, textOf(group));
      }
      return texts;
    }
    if (this.#groups.length < logged.length)
      this.inexact ??=
        'the binary log does not have the changes of all statements: a table has no transactions, or the server leaves its database out of the log';
    const [first, last] = [logged[0]?.number, logged.at(-1)?.number];
    const whose =
      first === last ? '' : `statements ${first}-${last} are undone together by ${this.statements} statements`;
    for (const { number } of logged)
      texts.set(number, {
        sql: '',
        exact: false,
        message: this.inexact ?? (whose === '' ? `${this.statements} statements undo it` : whose),
      });
    return texts;
  }

  #begin(): Group {
    const group = { count: 0, shown: [], shownChars: 0, inexact: undefined };
    this.#groups.push(group);
    return group;
  }

  #show(group: Group, sql: string): void {
    const text = sql.slice(0, MAX_SHOWN_BYTES + 1);
    if (this.#keptChars + text.length > MAX_KEPT_CHARS) return;
    group.shown.push(text);
    group.shownChars += text.length;
    this.#keptChars += text.length;
    // The one before this fills what is shown.
    while (group.shownChars - (group.shown[0]?.length ?? 0) > MAX_SHOWN_BYTES) {
      const gone = group.shown.shift()?.length ?? 0;
      group.shownChars -= gone;
      this.#keptChars -= gone;
    }
  }
}

function textOf({ count, shown, inexact }: Group): RollbackText {
  const message = inexact === undefined ? {} : { message: inexact };
  if (count === 0) return { sql: '', exact: inexact === undefined, ...message };
  const whole = shown
    .toReversed()
    .map((sql) => `${sql};`)
    .join(' ');
  const more = count === 1 ? '' : ` … ${count} statements in all`;
  const cut = cutText(whole, MAX_SHOWN_BYTES);
  return {
    sql: cut === whole && shown.length === count ? whole : `${cut}${more}`,
    exact: inexact === undefined,
    ...message,
  };
}
