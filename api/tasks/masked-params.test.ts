import { describe, expect, it } from 'vitest';
import { showParams } from './masked-params.ts';

describe('showParams', () => {
  it('sorts keys, at every depth, so that the text does not depend on who stored it', () => {
    expect(showParams('{"b":{"d":1,"c":[{"z":1,"y":2}]},"a":null}', undefined, 't')).toBe(
      '{"a":null,"b":{"c":[{"y":2,"z":1}],"d":1}}',
    );
    expect(showParams('{}', undefined, 't')).toBe('{}');
  });

  it("keeps the caller's own Secrets in sight", () => {
    const params = '{"secret_ref":"own","headers_secret_ref":"t-headers"}';
    expect(showParams(params, '[["headers","Cookie"]]', 't')).toBe('{"headers":{"Cookie":"***"},"secret_ref":"own"}');
  });

  it.each(['', 'no JSON', '{}', '[1]', '[[]]', '[[1]]', 'null'])(
    'takes no harm from the annotation %j',
    (annotation) => {
      expect(showParams('{"a":1}', annotation, 't')).toBe('{"a":1}');
    },
  );
});
