import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

describe('LineSplitter', () => {
  it('gives the same lines however the text is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r', 'é', '日本', '😀', '{"x":1}'), { maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (words, cuts) => {
        const whole = words.join('');
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const splitter = new LineSplitter();
        const lines = at.slice(1).flatMap((end, index) => splitter.push(whole.slice(at[index], end)));
        const complete = whole.slice(0, whole.lastIndexOf('\n') + 1);
        expect(lines).toEqual(complete.split('\n').filter((line) => line !== ''));
      }),
    );
  });

  it('keeps a line that never ended to itself', () => {
    const splitter = new LineSplitter();
    expect(splitter.push('one\ntwo')).toEqual(['one']);
    expect(splitter.push('')).toEqual([]);
    expect(splitter.push(' and a half\n')).toEqual(['two and a half']);
  });

  it('puts together a line of many pieces', () => {
    const splitter = new LineSplitter();
    const piece = 'x'.repeat(64);
    for (let count = 0; count < 50_000; count += 1) splitter.push(piece);
    expect(splitter.push('\n')[0]).toHaveLength(64 * 50_000);
  });

  it('refuses a line without end', () => {
    const splitter = new LineSplitter();
    const piece = 'x'.repeat(1024 * 1024);
    expect(() => {
      for (let count = 0; count < 40; count += 1) splitter.push(piece);
    }).toThrow('longer than 33554432 characters');
  });
});
