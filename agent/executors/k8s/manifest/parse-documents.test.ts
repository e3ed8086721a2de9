import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asYaml } from '../show-object.ts';
import { parseDocuments } from './parse-documents.ts';

const values = (text: string): unknown[] => parseDocuments(text).map(({ value }) => value);
const only = (text: string): unknown => values(text)[0];

describe('parseDocuments', () => {
  it('takes documents apart at markers, never within a text', () => {
    const pem =
      '---\na: 1\n---\n# nothing\n---\npem: |\n  -----BEGIN X-----\n  ---\n  -----END X-----\n...\n---\nb: "\n  ---"\n';
    expect(parseDocuments(pem)).toEqual([
      { number: 1, value: { a: 1 } },
      { number: 3, value: { pem: '-----BEGIN X-----\n---\n-----END X-----\n' } },
      { number: 4, value: { b: ' ---' } },
    ]);
    expect(values('')).toEqual([]);
    expect(values('# only a remark\n---\n')).toEqual([]);
  });

  it('reads JSON, also with tabs, escapes and pairs of surrogates', () => {
    expect(only('{\n\t"a": "\\u00e9\\ud83d\\ude00\\/",\n\t"b": [1, 2.5e3, -0.1, null, true]\n}')).toEqual({
      a: 'é😀/',
      b: [1, 2500, -0.1, null, true],
    });
  });

  it('reads JSON objects that follow each other without a marker, as kubectl does', () => {
    expect(parseDocuments('{"a": "}{"}\n{\n"b": {"c": "\\"}\\\\"}\n} {"d": 1}\n')).toEqual([
      { number: 1, value: { a: '}{' } },
      { number: 2, value: { b: { c: '"}\\' } } },
      { number: 3, value: { d: 1 } },
    ]);
    // Errors keep their place, and what is no row of JSON objects is an error as before.
    expect(() => parseDocuments('{"a": 1}\n{"b": 1}  {"c": 1, "c": 2}')).toThrow('key (line 2, column 21)');
    for (const text of ['{"a": 1}\n{"b": ', '{"a": 1}\n[]', '{"a": 1}}{"b": 1}', '{a: 1}\nb: 1'])
      expect(() => parseDocuments(text), text).toThrow(/^failed to parse YAML or JSON: /);
    // Braces within texts of YAML's own are none of JSON.
    expect(values("{a: 'x}{y'}")).toEqual([{ a: 'x}{y' }]);
  });

  it('reads scalars as kubectl does', () => {
    const yaml =
      'mode: 0644\nnew: 0o17\nhex: 0x1F\nbig: 1_000\nyes: yes\noff: off\ndate: 2020-01-01\nport: 1:30\ntext: "0644"';
    expect(only(yaml)).toEqual({
      mode: 420,
      new: 15,
      hex: 31,
      big: 1000,
      true: true,
      false: false,
      date: '2020-01-01',
      port: '1:30',
      text: '0644',
    });
  });

  it('takes anchors and merge keys', () => {
    expect(only('a: &a {x: 1}\nb: {<<: *a, z: 2}\nc: *a')).toEqual({ a: { x: 1 }, b: { x: 1, z: 2 }, c: { x: 1 } });
  });

  it.each([
    ['a: [1, 2', /line 1, column \d+/],
    ['a: b: c', /line 1, column 5/],
    ['a: 1\na: 2', /duplicated mapping key \(line 2, column 1\)/],
    ['{"a": 1, "a": 2}', /duplicated mapping key/],
    ['a: *missing', /line 1/],
    ['a: !!js/function "x"', /unknown tag/],
    ['a: !secret swordfish', /unknown tag/],
    ['a: .inf', /no JSON/],
    ['a: 12345678901234567890', /too large to be kept exactly; write it as a string/],
    ['['.repeat(200) + ']'.repeat(200), /maxDepth/],
    ['a: &a [*a]', /nested more than 100 levels/],
    ['a'.repeat(4 * 1024 * 1024 + 1), /more than 4194304 characters/],
    ['---\na: 1\n'.repeat(1001), /more than 1000 documents/],
    ['{}'.repeat(1_000_000), /more than 1000 documents/],
  ])('refuses %.40s', (text, why) => {
    expect(() => parseDocuments(text)).toThrow(why);
    expect(() => parseDocuments(text)).toThrow(/^failed to parse YAML or JSON: /);
  });

  it('counts what aliases bring, so that few lines cannot fill the memory', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(() => parseDocuments(lines.join('\n'))).toThrow('more than 1000000 values, aliases counted');
  });

  it('shows nothing of a text that it cannot read', () => {
    for (const text of [
      'data: {password: swordfish',
      'password: "swordfish',
      'a: swordfish: b',
      '!swordfish a',
      'a: *swordfish',
    ])
      expect(() => parseDocuments(text), text).toThrow(expect.not.stringContaining('swordfish') as Error);
  });

  const json = fc.jsonValue({ depthSize: 'small', maxDepth: 6 }).filter((value) => value !== null);
  const safe = (value: unknown): boolean =>
    typeof value === 'number'
      ? !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value))
      : typeof value !== 'object' || value === null || Object.values(value).every(safe);

  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(json.filter(safe), (value) => {
        expect(only(JSON.stringify(value))).toEqual(value);
        expect(only(JSON.stringify(value, null, '\t'))).toEqual(value);
      }),
    );
  });

  it('reads any JSON objects in a row as each alone', () => {
    const objects = fc.array(fc.dictionary(fc.string(), json).filter(safe), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(objects, fc.constantFrom('', ' ', '\n', '\r\n\t'), (all, between) => {
        expect(values(all.map((value) => JSON.stringify(value)).join(between))).toEqual(all);
      }),
    );
  });

  it('reads what we write as YAML, whatever the texts look like', () => {
    const text = fc.oneof(
      fc.constantFrom(
        'yes',
        'off',
        'y',
        '0644',
        '1_000',
        '0x1f',
        '1e3',
        '~',
        'null',
        '',
        '1:30',
        '---',
        '<<',
        '=',
        '.inf',
      ),
      fc.string({ unit: 'binary' }),
    );
    const object = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)));
    fc.assert(
      fc.property(object, (value) => {
        expect(only(asYaml(value))).toEqual(value);
      }),
    );
  });

  it('either reads a text or says why not', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '>',
      '&a',
      '*a',
      '!',
      '#',
      '?',
      ',',
      '\t',
      '%',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parseDocuments(pieces.join(''));
        } catch (err) {
          expect((err as Error).message).toMatch(/^failed to parse YAML or JSON: /);
        }
      }),
      { numRuns: 500 },
    );
  });
});
