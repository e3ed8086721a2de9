import { describe, expect, it } from 'vitest';
import { EventType } from './events/event-type.ts';
import { parseEvent } from './events/log-event.ts';
import { GroupTracker } from './group-tracker.ts';
import { madeEvent, queryBody } from './testing/made-events.ts';

const UUID = Buffer.from('3e11fa4771ca11e19e33c80aa9429562', 'hex');
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const gtid = (value: number): Buffer =>
  madeEvent(EventType.Gtid, Buffer.concat([Buffer.from([0]), UUID, number(value)]));
const anonymous = madeEvent(EventType.AnonymousGtid, Buffer.alloc(25));
const query = (text: string, thread = 7): Buffer => madeEvent(EventType.Query, queryBody(thread, text));
const rows = madeEvent(EventType.WriteRows, Buffer.alloc(20));
const xid = madeEvent(EventType.Xid, Buffer.alloc(8));
/** MariaDB's: number, domain, flags. */
const mariadb = (flags: number, more: readonly number[] = []): Buffer =>
  madeEvent(EventType.MariadbGtid, Buffer.concat([number(9), Buffer.from([3, 0, 0, 0, flags, ...more])]));

function steps(...events: readonly Buffer[]): string[] {
  const tracker = new GroupTracker();
  return events.map((event) => {
    const step = tracker.take(parseEvent(event, false));
    const more =
      step.kind === 'end' && step.rolledBack ? ' rolled back' : step.kind === 'statement' && step.last ? ' last' : '';
    return `${step.kind}${more} ${tracker.gtid ?? '-'} ${tracker.threadId ?? '-'}`;
  });
}

describe('GroupTracker', () => {
  const name = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

  it('follows transactions of MySQL by GTID and thread', () => {
    expect(steps(gtid(5), query('BEGIN'), rows, xid, gtid(6), query('BEGIN', 8))).toEqual([
      `start ${name}:5 -`,
      `begin ${name}:5 7`,
      `inside ${name}:5 7`,
      `end ${name}:5 7`,
      `start ${name}:6 -`,
      `begin ${name}:6 8`,
    ]);
  });

  it('follows those without GTIDs, also of servers that mark none', () => {
    expect(steps(anonymous, query('BEGIN'), query('COMMIT'))).toEqual(['start - -', 'begin - 7', 'end - 7']);
    expect(steps(query('BEGIN'), rows, xid)).toEqual(['begin - 7', 'inside - 7', 'end - 7']);
  });

  it('tells those that were rolled back from those that were committed', () => {
    expect(steps(gtid(1), query('BEGIN'), rows, query('ROLLBACK')).at(-1)).toBe(`end rolled back ${name}:1 7`);
    expect(steps(gtid(1), query('BEGIN'), rows, query('ROLLBACK TO `s`')).at(-1)).toBe(`statement ${name}:1 7`);
  });

  it('ends a statement that commits by itself with it, but not the rows that follow CREATE TABLE', () => {
    expect(steps(gtid(1), query('DROP TABLE t'), rows)).toEqual([
      `start ${name}:1 -`,
      `statement last ${name}:1 7`,
      `outside ${name}:1 7`,
    ]);
    expect(steps(gtid(1), query('CREATE TABLE t (n INT) START TRANSACTION'), rows, xid)).toEqual([
      `start ${name}:1 -`,
      `statement ${name}:1 7`,
      `inside ${name}:1 7`,
      `end ${name}:1 7`,
    ]);
  });

  it('follows transactions of MariaDB, which have no BEGIN', () => {
    expect(steps(mariadb(0), rows, xid)).toEqual(['begin 3-1-9 -', 'inside 3-1-9 -', 'end 3-1-9 -']);
    expect(steps(mariadb(1), query('DROP TABLE t'))).toEqual(['start 3-1-9 -', 'statement last 3-1-9 7']);
    // A group commit's number, then the thread's.
    expect(steps(mariadb(2, [...number(1), 0x10, 77, 0, 0, 0]))).toEqual(['begin 3-1-9 77']);
    // XA: format, two lengths and the name.
    expect(steps(mariadb(0x40, [1, 0, 0, 0, 1, 2, 65, 66, 67, 0x10, 78, 0, 0, 0]))).toEqual(['begin 3-1-9 78']);
  });

  it('passes over what is of no transaction', () => {
    const rotate = madeEvent(EventType.Rotate, Buffer.alloc(20));
    const heartbeat = madeEvent(EventType.Heartbeat, Buffer.from('binlog.000001'));
    expect(steps(rotate, heartbeat, rows)).toEqual(['outside - -', 'outside - -', 'outside - -']);
  });
});
