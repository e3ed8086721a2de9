import type { StopPoint } from '../services/stopping-proxy.ts';

/** How ten statements are written for a server, and what its client says around them. */
export interface Dialect {
  readonly type: 'postgres' | 'mysql';
  /** A statement that commits by itself, the fourth, and how it begins. */
  readonly alone: (table: string) => string;
  readonly aloneMarker: string;
  /** Inserts a number after some seconds. */
  readonly slow: (table: string, value: number) => string;
  /** What the client sends when all is committed: with a ledger its lock is freed, without one the connection is reset. */
  readonly end: { readonly ledger: string; readonly plain: string };
}

export const POSTGRES: Dialect = {
  type: 'postgres',
  // CREATE INDEX CONCURRENTLY would wait for the transactions of the other tasks, which stand still.
  alone: (table) => `CREATE DATABASE ${table}_made`,
  aloneMarker: 'CREATE DATABASE',
  slow: (table, value) => `INSERT INTO ${table} SELECT ${value} FROM (SELECT pg_sleep(5)) AS pause`,
  end: { ledger: 'pg_advisory_unlock', plain: 'DISCARD ALL' },
};

export const MYSQL: Dialect = {
  type: 'mysql',
  alone: (table) => `CREATE INDEX ${table}_a ON ${table} (a)`,
  aloneMarker: 'CREATE INDEX',
  slow: (table, value) => `INSERT INTO ${table} SELECT ${value} FROM (SELECT SLEEP(5)) AS pause`,
  end: { ledger: 'RELEASE_LOCK', plain: '\x01\0\0\0\x1f' },
};

export const STATEMENTS = 10;
export const DDL = 4;
/** The last statements of the transactions, two statements each where no other one stands between. */
const LAST = [2, 3, 6, 8, 10];

/** A moment at which the agent is killed. */
export interface KillPoint {
  readonly name: string;
  readonly stop: StopPoint;
  /** The statement that it has come to. */
  readonly at: number;
  readonly slow?: true;
  /** Where the agent waits for five seconds only, and then ends the task without its server's answer. */
  readonly brief?: true;
}

const SIDES = [
  ['is sent', 'nobody'],
  ['has reached the server', 'server'],
] as const;

/** Every step of a task with two statements a transaction. */
export function killPoints(dialect: Dialect, ledger: boolean): KillPoint[] {
  const points: KillPoint[] = [];
  const add = (what: string, marker: string, at: number, nth = 1, more: Pick<KillPoint, 'brief'> = {}): void => {
    for (const [when, reaches] of SIDES)
      points.push({
        name: `${reaches === 'nobody' ? 'before' : 'when'} ${what} ${when}`,
        stop: { marker, nth, reaches },
        ...{ at, ...more },
      });
  };
  for (let number = 1; number <= STATEMENTS; number += 1)
    add(`statement ${number}`, number === DDL ? dialect.aloneMarker : `/*${number}*/`, number);
  for (const [index, last] of LAST.entries()) {
    if (ledger) add(`the ledger's row of ${last}`, `, 1, ${last}, '`, last);
    add(`the COMMIT of ${last}`, 'COMMIT', last, index + 1);
  }
  if (ledger) {
    add('the row before the statement that commits by itself', `, 1, ${DDL}, '`, DDL);
    add('the row after the statement that commits by itself', "SET state = 'done'", DDL);
    points.push({
      ...{ name: 'while a statement works', stop: { marker: '/*5*/', reaches: 'server' }, at: 5, slow: true },
    });
  }
  add('the end', dialect.end[ledger ? 'ledger' : 'plain'], STATEMENTS, 1, { brief: true });
  return points;
}

/** Ten statements that each leave a mark, of which a second run would leave another one. */
export function scriptOf(dialect: Dialect, table: string, { slow }: KillPoint): string {
  const statements = Array.from({ length: STATEMENTS }, (_, index) => {
    const number = index + 1;
    if (number === DDL) return dialect.alone(table);
    if (number === 5 && slow === true) return `${dialect.slow(table, number)} /*${number}*/`;
    return `INSERT INTO ${table} VALUES (${number}) /*${number}*/`;
  });
  return statements.join(';\n');
}
