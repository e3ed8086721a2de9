import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BinlogPosition } from './binlog-position.ts';
import type { ChangeAssembler } from './change-assembler.ts';
import { EventStream } from './event-stream.ts';
import { EventType } from './events/event-type.ts';
import { ownByGtid } from './own-transactions.ts';
import { madeEvent, queryBody } from './testing/made-events.ts';
import { TransactionSearch } from './transaction-search.ts';
import type { LogConnection } from './transport/log-connection.ts';

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const at = (position: number): BinlogPosition => ({ file: 'binlog.000001', position });
const FROM = at(1000);
const FOREVER = new AbortController().signal;
const ASSEMBLER = { add: () => undefined, end: () => undefined } as unknown as ChangeAssembler;

/** A transaction that ends at a place. */
function transaction(number: number, end: number): Buffer[] {
  const gtid = Buffer.alloc(25);
  Buffer.from(UUID.replaceAll('-', ''), 'hex').copy(gtid, 1);
  gtid.writeBigUInt64LE(BigInt(number), 17);
  return [
    madeEvent(EventType.Gtid, gtid, { next: end - 80 }),
    madeEvent(EventType.Query, queryBody(7, 'BEGIN'), { next: end - 40 }),
    madeEvent(EventType.Xid, Buffer.alloc(8), { next: end }),
  ];
}
const nothingNew = (position: number): Buffer => madeEvent(EventType.Heartbeat, Buffer.alloc(0), { next: position });

/** Looks for a transaction in events of which each is read that many milliseconds after the one before. */
async function search(
  events: readonly Buffer[],
  { each, end }: { readonly each: number; readonly end: BinlogPosition | undefined },
): Promise<number> {
  const left = [...events];
  const next = (): Promise<Buffer> => {
    vi.advanceTimersByTime(each);
    const event = left.shift();
    return event === undefined ? Promise.reject(new Error('read beyond the end')) : Promise.resolve(event);
  };
  const stream = new EventStream({ hasChecksums: false, next } as unknown as LogConnection, FROM);
  const options = { own: ownByGtid(`${UUID}:9`), from: FROM, until: undefined, logEnd: () => Promise.resolve(end) };
  const found = new TransactionSearch(stream, options);
  await found.run(ASSEMBLER, FOREVER);
  return found.found;
}

describe('TransactionSearch', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('finds what stands behind old words that there is nothing new, however slowly they are read', async () => {
    const events = [nothingNew(1000), nothingNew(1000), ...transaction(8, 1200), nothingNew(1200), nothingNew(1200)];
    expect(await search([...events, ...transaction(9, 1400)], { each: 1500, end: at(1400) })).toBe(1);
  });

  it('knows by the end of the log that there is no such transaction', async () => {
    const events = [...transaction(8, 1200), nothingNew(1200), nothingNew(1200)];
    expect(await search(events, { each: 600, end: at(1200) })).toBe(0);
    expect(await search(events, { each: 1500, end: at(1200) })).toBe(0);
  });

  it('believes two such words in a row where nobody may ask for the end', async () => {
    const quiet = [nothingNew(1200), nothingNew(1200)];
    expect(await search([...transaction(8, 1200), ...quiet], { each: 1000, end: undefined })).toBe(0);
    const between = [nothingNew(1000), ...transaction(8, 1200), nothingNew(1200), ...transaction(9, 1400)];
    expect(await search(between, { each: 1000, end: undefined })).toBe(1);
  });
});
