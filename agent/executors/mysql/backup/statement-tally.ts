import { cutText } from '../../../output/utf8.ts';
import type { RollbackText } from '../script/order-lines.ts';
import type { SentStatement } from '../script/transaction-observer.ts';

/** What undoes a statement by its number; undefined: it changed nothing. Texts are made when they are asked for. */
export type StatementTexts = (number: number) => RollbackText | undefined;

/** What undoes the changes of one statement, as far as its report shows it. */
interface Group {
  count: number;
  /** The last ones, in the order of the changes; undefined: there is no room for any. */
  shown: string[] | undefined;
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
  texts(logged: readonly SentStatement[]): StatementTexts {
    const groups = this.#groups;
    const places = new Map(logged.map(({ number }, place) => [number, place]));
    if (groups.length < logged.length)
      this.inexact ??=
        'the binary log does not have the changes of all statements: a table has no transactions, or the server leaves its database out of the log';
    const together =
      logged.length === 1
        ? `${this.statements} statements undo it`
        : `${this.statements} statements undo statements ${logged[0]?.number ?? 0} to ${logged.at(-1)?.number ?? 0} together`;
    const all: RollbackText = { sql: '', exact: false, message: this.inexact ?? together };
    return (number) => {
      const place = places.get(number);
      if (place === undefined) return undefined;
      const group = groups.length === logged.length ? groups[place] : undefined;
      return group === undefined ? all : textOf(group);
    };
  }

  #begin(): Group {
    const group = { count: 0, shown: undefined, shownChars: 0, inexact: undefined };
    this.#groups.push(group);
    return group;
  }

  #show(group: Group, sql: string): void {
    const size = Math.min(sql.length, MAX_SHOWN_BYTES + 1);
    if (this.#keptChars + size > MAX_KEPT_CHARS) return;
    // A copy: a slice would keep the whole in memory.
    const text = Buffer.from(sql.slice(0, size)).toString();
    group.shown ??= [];
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
  if (shown === undefined)
    return { sql: '', exact: false, message: inexact ?? `${count} statements of the task's rollback undo it` };
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
