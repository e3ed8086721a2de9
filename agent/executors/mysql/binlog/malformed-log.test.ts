import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinlogError } from './binlog-error.ts';
import type { ColumnFact } from './column-fact.ts';
import { ByteCursor } from './events/byte-cursor.ts';
import { EventType } from './events/event-type.ts';
import { parseEvent } from './events/log-event.ts';
import type { LogEvent } from './events/log-event.ts';
import { parseRowsEvent } from './events/rows-event.ts';
import { parseTableMap } from './events/table-map.ts';
import { eventsOfPayload } from './events/transaction-payload.ts';
import { GroupTracker } from './group-tracker.ts';
import { rowsOf } from './rows/row-image.ts';
import { tableCodecs } from './rows/table-codecs.ts';
import { jsonText } from './rows/values/json-text.ts';
import { lengthBytes, madeEvent, queryBody } from './testing/made-events.ts';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** What the work throws must be what the log is said to be: malformed. */
function orMalformed(work: () => unknown): void {
  try {
    work();
  } catch (err) {
    expect(err).toBeInstanceOf(BinlogError);
    expect(err).toHaveProperty('reason', 'Malformed');
  }
}

const eventOf = (type: number, body: Buffer): LogEvent => parseEvent(madeEvent(type, body), false);

describe('what is no log', () => {
  it('is said to be malformed, whatever its bytes', () => {
    const types = fc.oneof(fc.constantFrom(...Object.values(EventType)), fc.nat(255));
    fc.assert(
      fc.property(types, bytes, (type, body) => {
        orMalformed(() => parseEvent(body, true));
        orMalformed(() => new GroupTracker().take(eventOf(type, body)));
        orMalformed(() => parseRowsEvent(eventOf(type, body)));
        orMalformed(() => parseTableMap(body));
        orMalformed(() => jsonText(body));
      }),
      { numRuns: 2000 },
    );
  });

  it('has no rows that hang or throw anything else, whatever the types of its columns', () => {
    const types = fc.array(fc.constantFrom(...KNOWN_TYPES), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(types, bytes, bytes, (codes, metadata, images) => {
        const body = Buffer.concat([
          Buffer.from([1, 0, 0, 0, 0, 0, 1, 0, 1, 115, 0, 1, 116, 0, codes.length]),
          Buffer.from(codes.map(([code]) => code)),
          lengthBytes(Math.min(metadata.length, 200)),
          metadata.subarray(0, 200),
          Buffer.alloc(1),
        ]);
        orMalformed(() => {
          const map = parseTableMap(body);
          const found = tableCodecs(
            map,
            codes.map(([, type]) => factOf(type)),
            { flavour: 'mysql', charsets: new Map() },
          );
          if (typeof found === 'string') return;
          for (const kind of ['insert', 'update'] as const)
            for (const row of rowsOf({ ...EMPTY, kind, columnCount: codes.length, images }, found))
              expect([...row.before, ...row.after].length).toBeGreaterThan(0);
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('has no event with another checksum or size than it names', () => {
    const event = madeEvent(EventType.Query, queryBody(7, 'BEGIN'), { checksum: true });
    expect(parseEvent(event, true).body).toHaveLength(event.length - 19 - 4);
    const changed = Buffer.from(event);
    changed[30] = 1;
    expect(() => parseEvent(changed, true)).toThrow('checksum');
    expect(() => parseEvent(event.subarray(1), true)).toThrow('header of another size');
  });
});

describe('JSON documents', () => {
  it('are not endless when their values share places', () => {
    // Each of 60 arrays has two entries, and both are the next array.
    const arrays = Buffer.concat(
      Array.from({ length: 60 }, (_, depth) => {
        const array = Buffer.alloc(10);
        array.writeUInt16LE(2, 0);
        array.writeUInt16LE((60 - depth) * 10, 2);
        for (const at of [4, 7]) {
          array[at] = depth < 59 ? 2 : 4;
          array.writeUInt16LE(depth < 59 ? 10 : 0, at + 1);
        }
        return array;
      }),
    );
    expect(() => jsonText(Buffer.concat([Buffer.from([2]), arrays]))).toThrow('places that values share');
  });
});

describe('ByteCursor', () => {
  it('reads lengths of all sizes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(300), fc.maxSafeNat()), (value) => {
        expect(new ByteCursor(lengthBytes(value)).length()).toBe(value);
      }),
    );
    expect(() => new ByteCursor(Buffer.from([0xfb])).length()).toThrow(BinlogError);
    expect(() => new ByteCursor(Buffer.alloc(9, 0xfe)).length()).toThrow(BinlogError);
  });
});

describe('compressed transactions', () => {
  const payload = (content: Buffer, kind: 0 | 255): Buffer =>
    Buffer.concat([Buffer.from([2, ...(kind === 0 ? [1, 0] : [3, 0xfc, 255, 0]), 0]), content]);
  const read = async (body: Buffer): Promise<string[]> => {
    const texts: string[] = [];
    for await (const event of eventsOfPayload(body)) texts.push(event.body.toString('latin1'));
    return texts;
  };

  it('are the events that were compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(bytes, fc.integer({ min: 1, max: 2000 }))), async (parts) => {
        const bodies = parts.map(([body, times]) => Buffer.concat(Array.from({ length: times }, () => body)));
        const content = Buffer.concat(bodies.map((body) => madeEvent(EventType.RowsQuery, body)));
        const expected = bodies.map((body) => body.toString('latin1'));
        expect(await read(payload(zstdCompressSync(content), 0))).toEqual(expected);
        expect(await read(payload(content, 255))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('are malformed when they end too early or are not compressed', async () => {
    const content = madeEvent(EventType.RowsQuery, Buffer.alloc(5000, 'x'));
    await expect(read(payload(zstdCompressSync(content.subarray(0, 4000)), 0))).rejects.toThrow('ends within an event');
    await expect(read(payload(content, 0))).rejects.toThrow(BinlogError);
    await expect(read(payload(zstdCompressSync(content).subarray(0, 20), 0))).rejects.toThrow(BinlogError);
  });
});

const EMPTY = { kind: 'insert', tableId: 1, statementEnd: true, columnCount: 1, complete: true } as const;

const KNOWN_TYPES: readonly (readonly [number, string])[] = [
  ...([
    [1, 'tinyint'],
    [8, 'bigint'],
    [4, 'float'],
    [5, 'double'],
    [246, 'decimal(10,2)'],
    [13, 'year'],
  ] as const),
  ...([
    [10, 'date'],
    [11, 'time'],
    [11, 'time(3)'],
    [12, 'datetime(6)'],
    [7, 'timestamp(1)'],
  ] as const),
  ...([
    [17, 'timestamp(6)'],
    [18, 'datetime'],
    [19, 'time(2)'],
    [15, 'varchar(10)'],
    [254, 'binary(5)'],
  ] as const),
  ...([
    [254, "enum('a')"],
    [254, "set('a','b')"],
    [254, 'uuid'],
    [254, 'inet6'],
    [16, 'bit(9)'],
  ] as const),
  ...([
    [252, 'blob'],
    [245, 'json'],
    [255, 'geometry'],
    [242, 'vector(3)'],
    [140, 'text'],
    [141, 'varchar(9)'],
  ] as const),
];

const factOf = (type: string): ColumnFact => ({
  ...{ name: 'c', type, charset: undefined, collation: undefined },
  ...{ unsigned: false, generated: false, nullable: true, onUpdate: false },
});
