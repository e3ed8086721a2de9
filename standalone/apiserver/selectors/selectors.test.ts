import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

const LABELS = { app: 'web', tier: 'front', n: '5', empty: '' };

describe('A label selector', () => {
  it.each([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app = web , tier in (front, back)', true],
    ['tier notin (front)', false],
    ['absent notin (x),absent!=x', true],
    ['app', true],
    ['!app', false],
    ['! absent', true],
    ['empty=', true],
    ['empty in (,x)', true],
    ['n>4,n<6', true],
    ['n>5', false],
    ['app in (in, web)', true],
    ['constructor', false],
  ])('%j selects: %s', (selector, selected) => {
    expect(parseLabelSelector(selector)(LABELS)).toBe(selected);
  });

  it.each([
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    [
      'a>x',
      "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
    ['!', "unable to parse requirement: found '', expected: identifier"],
  ])('%j is refused', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(message);
  });

  it('is refused with the words of label keys and values', () => {
    expect(() => parseLabelSelector('a/b/c=d')).toThrow(
      /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a valid label key must/,
    );
    expect(() => parseLabelSelector('a=é')).toThrow(
      /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "é": a valid label must/,
    );
  });
});

describe('A field selector', () => {
  const definition = { selectableFields: ['spec.agent', 'status.state', 'spec.n'], namespaced: true, custom: true };
  const object = { metadata: { name: 'a', namespace: 'ns' }, spec: { agent: 'x,y=z', n: 1 } } as KubeObject;

  it.each([
    ['metadata.name=a', true],
    ['metadata.name==a,metadata.namespace=ns', true],
    ['metadata.name!=a', false],
    ['spec.agent=x\\,y\\=z', true],
    ['status.state=', true],
    ['status.state!=Failed,status.state!=Succeeded', true],
    ['spec.n=1', true],
    [',metadata.name=a,', true],
  ])('%j selects: %s', (selector, selected) => {
    expect(parseFieldSelector(selector, definition)(object)).toBe(selected);
  });

  it.each([
    ['spec.foo=1', 'field label not supported: spec.foo'],
    ['spec.agent', "invalid selector: 'spec.agent'; can't understand 'spec.agent'"],
    ['spec.agent=a=b', 'invalid field selector: unescaped character in value: 61'],
    ['spec.agent=a\\x', 'invalid field selector: invalid escape sequence: \\x'],
  ])('%j is refused', (selector, message) => {
    expect(() => parseFieldSelector(selector, definition)).toThrow(message);
  });
});
