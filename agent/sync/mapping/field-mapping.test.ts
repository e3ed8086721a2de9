import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldsSchema } from '../driver-action.ts';
import type { Row, SyncEvent } from '../sync-event.ts';
import { compileMapping } from './field-mapping.ts';
import type { FieldMapping, Mapping } from './field-mapping.ts';

const SCHEMA: FieldsSchema = {
  properties: {
    'events.id': { type: 'integer' },
    'events.name': { type: 'string' },
    'events.meta': { type: 'object' },
  },
};

function compiled(fields: readonly FieldMapping[], schema: FieldsSchema | undefined = SCHEMA): Mapping {
  const mapping = compileMapping(fields, schema);
  if ('error' in mapping) throw new Error(mapping.error);
  return mapping;
}

const event = (rows: readonly Row[], over: Partial<SyncEvent> = {}): SyncEvent => ({
  event_type: 'insert',
  fields: Object.keys(rows[0] ?? {}),
  rows,
  index: 7,
  event_schema: 'shop',
  table: 'orders',
  ...over,
});

describe('compileMapping', () => {
  it('lets events through as they are when it is empty', () => {
    const one = event([{ a: 1 }]);
    const mapping = compiled([]);
    expect(mapping.wanted).toBeUndefined();
    expect(mapping.apply(one).event).toBe(one);
  });

  it('nests rows by the dots of the targets, and names these as the fields', () => {
    const mapping = compiled([
      { to: 'events.id', source: ['shop.orders.id:0'] },
      { to: 'events.owner.name', source: ['name'] },
    ]);
    const mapped = mapping.apply(event([{ id: '12', name: 'x', more: 1 }]));
    expect(mapped.event).toEqual(
      event([{ events: { id: 12, owner: { name: 'x' } } }], { fields: ['events.id', 'events.owner.name'] }),
    );
    expect(mapping.wanted).toEqual(['shop.orders.id', 'name']);
  });

  it('takes the first source, and collects all of them for an object', () => {
    const mapping = compiled([
      { to: 'events.name', source: ['a:0', 'b:1'] },
      { to: 'events.meta', source: ['shop.orders.a:0', 'orders.b:1', 'c'] },
    ]);
    expect(mapping.apply(event([{ a: 'x', b: 2, c: null }])).event?.rows).toEqual([
      { events: { name: 'x', meta: { a: 'x', b: 2 } } },
    ]);
  });

  it('leaves out null, missing values, and those that cannot be converted, and tells of these', () => {
    const mapped = compiled([
      { to: 'events.id', source: ['id'] },
      { to: 'events.name', source: ['name'] },
    ]).apply(event([{ id: 'secret', name: null }, {}]));
    expect(mapped.event?.rows).toEqual([{}, {}]);
    expect(mapped).toMatchObject({
      rejected: 0,
      unconverted: 1,
      unconvertedReason: "a value for 'events.id' is no integer",
    });
  });

  it('rejects rows without a required value and sends the others', () => {
    const mapping = compiled([{ to: 'events.id', source: ['id'], required: true }]);
    const mapped = mapping.apply(event([{ id: 1 }, { id: null }, { id: 'x' }, {}]));
    expect(mapped.event?.rows).toEqual([{ events: { id: 1 } }]);
    expect(mapped.rejected).toBe(3);
    expect(mapped.rejectedReason).toBe("'events.id' is required, and the row has no value for it");
    expect(mapping.apply(event([{ id: null }])).event).toBeUndefined();
  });

  it('rejects no deletion, whatever it lacks', () => {
    const mapping = compiled([
      { to: 'events.id', source: ['id'] },
      { to: 'events.name', source: ['name'], required: true },
    ]);
    const mapped = mapping.apply(event([{ id: 1 }], { event_type: 'delete' }));
    expect(mapped).toMatchObject({ rejected: 0, event: { rows: [{ events: { id: 1 } }] } });
  });

  it('has nothing to say of tables that it does not name', () => {
    const mapping = compiled([{ to: 'events.id', source: ['shop.orders.id:0'], required: true }]);
    for (const over of [{ table: 'order' }, { event_schema: 'other' }, { table: 'orders.id' }])
      expect(mapping.apply(event([{ id: 1, x: 2 }], over))).toMatchObject({ event: undefined, rejected: 0 });
  });

  it('maps two tables to one target', () => {
    const mapping = compiled([
      { to: 'events.id', source: ['shop.orders.id', 'shop.users.number'] },
      { to: 'events.name', source: ['shop.orders.title'] },
      { to: 'events.name', source: ['shop.users.name'] },
    ]);
    expect(mapping.apply(event([{ id: 1, title: 'a' }])).event?.rows).toEqual([{ events: { id: 1, name: 'a' } }]);
    const user = event([{ id: 9, number: 2, name: 'b' }], { table: 'users' });
    expect(mapping.apply(user).event?.rows).toEqual([{ events: { id: 2, name: 'b' } }]);
  });

  it('takes columns whose names have dots, and what stands in documents', () => {
    const mapping = compiled([
      { to: 'doc.a', source: ['shop.orders.x.y'] },
      { to: 'doc.b', source: ['user.name'] },
      { to: 'doc.c', source: ['orders.user.age'] },
    ]);
    expect(mapping.apply(event([{ 'x.y': 1, user: { name: 'n', age: 3 } }])).event?.rows).toEqual([
      { doc: { a: 1, b: 'n', c: 3 } },
    ]);
    expect(mapping.apply(event([{ 'x.y': 1, user: 'n' }])).event?.rows).toEqual([{ doc: { a: 1 } }]);
  });

  it('follows a table whose columns change', () => {
    const mapping = compiled([{ to: 'doc.a', source: ['user.name'] }]);
    expect(mapping.apply(event([{ id: 1 }])).event).toBeUndefined();
    expect(mapping.apply(event([{ user: { name: 'n' } }])).event?.rows).toEqual([{ doc: { a: 'n' } }]);
    expect(mapping.apply(event([{ 'user.name': 'm' }])).event?.rows).toEqual([{ doc: { a: 'm' } }]);
  });

  it('takes no inherited property for a column', () => {
    const mapping = compiled([{ to: 'doc.a', source: ['constructor'] }]);
    expect(mapping.apply(event([{ id: 1 }])).event?.rows).toEqual([{}]);
  });

  it.each([
    [[{ to: 'id', source: ['id'] }], "to 'id' must be <endpoint>.<field>"],
    [[{ to: 'events..id', source: ['id'] }], "to 'events..id' must be <endpoint>.<field>"],
    [[{ to: 'events.__proto__', source: ['id'] }], 'no field may be called __proto__'],
    [[{ to: 'events.id', source: ['a.__proto__:1'] }], 'no field may be called __proto__'],
    [[{ to: 'events.id', source: [''] }], "'events.id' has an empty source"],
    [[{ to: 'events.id', source: [], required: true }], "'events.id' is required and has no source"],
    [[{ to: 'events.id', source: [] }], 'no entry has a source'],
    [
      [
        { to: 'events.a', source: ['a'] },
        { to: 'events.a.b', source: ['b'] },
      ],
      "'events.a' cannot be set beside 'events.a.b'",
    ],
  ] satisfies [FieldMapping[], string][])('refuses %j', (fields, message) => {
    expect(compileMapping(fields, SCHEMA)).toEqual({ error: expect.stringContaining(message) as string });
  });

  it('never changes the event that it maps, whatever stands in it', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'shop.orders.a', 'orders.b:2', 'other.orders.c');
    const entry = fc.record({
      to: fc.constantFrom('events.id', 'events.name', 'events.meta', 'events.x.y', 'other.z'),
      source: fc.array(name, { minLength: 1, maxLength: 3 }),
      required: fc.boolean(),
    });
    const row = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), fc.array(row), (fields, rows) => {
        const one = event(rows, { fields: ['a', 'b', 'c'] });
        const before = JSON.stringify(one);
        const mapped = compiled(fields).apply(one);
        expect(JSON.stringify(one)).toBe(before);
        expect((mapped.event?.rows.length ?? 0) + mapped.rejected).toBe(
          mapped.event === undefined ? mapped.rejected : rows.length,
        );
      }),
    );
  });
});
