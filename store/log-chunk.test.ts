import { describe, expect, it } from 'vitest';
import { indexLogChunk } from './log-chunk.ts';

const index = (text: string): unknown => indexLogChunk(Buffer.from(text));

describe('indexLogChunk', () => {
  it('returns the first and the last id', () => {
    expect(index('{"id":3,"message":"a"}\n{"id":9,"message":"b"}\n')).toEqual({ first: 3, last: 9 });
    expect(index('{"id":3,"message":"a"}\n')).toEqual({ first: 3, last: 3 });
    expect(index('')).toBeUndefined();
  });

  it.each([
    ['half a line', '{"id":1,"message":"a"}\n{"id":2'],
    ['text', 'hello\n'],
    ['several values a line', '{"id":1,"message":"a"},{"id":2,"message":"b"}\n1\n'],
    ['ids that do not grow', '{"id":2,"message":"a"}\n{"id":2,"message":"b"}\n'],
    ['id 0', '{"id":0,"message":"a"}\n'],
    ['an id that is text', '{"id":"1","message":"a"}\n'],
    ['no message', '{"id":1}\n'],
    ['an array', '[1]\n'],
  ])('refuses %s', (_what, text) => {
    expect(() => index(text)).toThrow(expect.objectContaining({ code: 'ChunkInvalid' }));
  });
});
