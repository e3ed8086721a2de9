import { describe, expect, it } from 'vitest';
import { parseOperations } from './parse-operations.ts';

const parse = (command: unknown, allowJavascript = false): ReturnType<typeof parseOperations> =>
  parseOperations(JSON.stringify(command), allowJavascript);
const update = (change: unknown): unknown => {
  const parsed = parse({ operation: 'update', collection: 'c', filter: {}, update: change });
  return typeof parsed === 'string' ? parsed : (parsed[0] as { update: unknown }).update;
};
const $where = 'this.a === this.b';

describe('parseOperations', () => {
  it('takes one operation or an array', () => {
    const find = { operation: 'find', collection: 'c' };
    expect(parse(find)).toMatchObject([{ kind: 'find', number: 1, filter: {} }]);
    expect(parse([find, { ...find, operation: 'Count' }])).toMatchObject([{ number: 1 }, { kind: 'count', number: 2 }]);
  });

  it('has the defaults of the manual', () => {
    const base = { collection: 'c', filter: { a: 1 } };
    expect(
      parse([
        { operation: 'insert', collection: 'c', documents: [{ a: 1 }] },
        { operation: 'update', ...base, update: { b: 1 } },
        { operation: 'delete', ...base },
      ]),
    ).toMatchObject([
      { kind: 'insert', ordered: true },
      { kind: 'update', update: { $set: { b: 1 } }, multi: true, upsert: false },
      { kind: 'delete', multi: true },
    ]);
  });

  it('makes plain updates a $set and leaves operators and pipelines as they are', () => {
    expect(update({ status: 'active' })).toEqual({ $set: { status: 'active' } });
    expect(update({ $inc: { a: 1 }, $unset: { b: '' } })).toEqual({ $inc: { a: 1 }, $unset: { b: '' } });
    expect(update([{ $set: { a: '$b' } }])).toEqual([{ $set: { a: '$b' } }]);
    expect(update({ $inc: { a: 1 }, status: 'x' })).toMatch(/^Operation 1: update mixes operators \(\$inc\) and plain/);
    expect(update({})).toBe('Operation 1: update is empty');
    expect(update([{ a: 1 }])).toMatch(/must be an array of stages/);
  });

  it.each([
    [{ operation: 'delete', collection: 'c' }, 'Operation 1: filter is required'],
    [{ operation: 'update', collection: 'c', update: { a: 1 } }, 'Operation 1: filter is required'],
    [{ operation: 'delete', collection: 'c', filter: null }, 'Operation 1: filter is required'],
    [{ operation: 'delete', collection: 'c', filter: 'a' }, 'Operation 1: filter must be an object'],
    [{ operation: 'update', collection: 'c', filter: {} }, 'Operation 1: update is required'],
    [{ operation: 'insert', collection: 'c' }, 'Operation 1: documents is required'],
    [{ operation: 'insert', collection: 'c', documents: [] }, 'Operation 1: documents is empty'],
    [{ operation: 'insert', collection: 'c', documents: [{}, 1] }, 'Operation 1: documents[1] must be an object'],
    [{ operation: 'insert', documents: [{}] }, 'Operation 1: collection is required'],
    [{ collection: 'c' }, 'Operation 1: operation is required'],
    [
      { operation: 'constructor', collection: 'c' },
      /^Operation 1: unsupported operation: constructor \(supported: insert,/,
    ],
    [{ operation: 'find', collection: 'c', limit: 1.5 }, 'Operation 1: limit must be a whole number from 0'],
    [{ operation: 'find', collection: 'c', filtr: {} }, /^Operation 1: find has no filtr; it has collection, filter,/],
    [
      { operation: 'aggregate', collection: 'c', pipeline: [{}] },
      /^Operation 1: pipeline\[0\] must be an object with one/,
    ],
    [{ operation: 'find', collection: '$cmd' }, 'Operation 1: collection may not hold $'],
    [[{ operation: 'find', collection: 'c' }, 7], 'Operation 2: an operation must be an object'],
    [[], 'the command holds no operation'],
    ['find', 'Operation 1: an operation must be an object'],
  ])('refuses %j', (command, problem) => {
    expect(parse(command)).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });

  it('refuses a document that no server stores', () => {
    const documents = [{}, { text: 'x'.repeat(16 * 1024 * 1024) }];
    expect(parse({ operation: 'insert', collection: 'c', documents })).toMatch(
      /^Operation 1: documents\[1\] takes more/,
    );
  });

  it('refuses JavaScript on the server unless the task allows it', () => {
    const commands = [
      { operation: 'find', collection: 'c', filter: { $or: [{ $where }] } },
      { operation: 'delete', collection: 'c', filter: { $where } },
      { operation: 'find', collection: 'c', filter: { a: { $code: 'x' } } },
      { operation: 'find', collection: 'c', projection: { a: { $function: { body: 'x', args: [], lang: 'js' } } } },
      { operation: 'aggregate', collection: 'c', pipeline: [{ $group: { _id: 1, a: { $accumulator: {} } } }] },
      { operation: 'update', collection: 'c', filter: {}, update: [{ $set: { a: { $function: {} } } }] },
    ];
    for (const command of commands) {
      expect(parse(command), JSON.stringify(command)).toMatch(/JavaScript on the server is refused/);
      expect(parse(command, true)).toHaveLength(1);
    }
    // What is only stored is data.
    expect(parse({ operation: 'insert', collection: 'c', documents: [{ a: { $where } }] })).toHaveLength(1);
  });

  it('says where the text is no JSON', () => {
    expect(parseOperations('{"operation": "find",\n "collection": }', false)).toBe(
      'failed to parse MongoDB operations: invalid JSON at line 2, column 16 (position 37): expected a value',
    );
  });
});
