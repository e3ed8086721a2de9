import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import type { Problem } from './body-check.ts';
import { readEditedSource, readNewPusher, readNewSource, readSync } from './config-body.ts';
import { sourceFields } from './config-spec.ts';

const config = { driver: 'mysql', uri: 'h:1', credential: { user: 'u', passwd: 'hunter2' } };

function problemsOf(read: () => unknown): readonly Problem[] {
  try {
    read();
  } catch (err) {
    expect(err).toMatchObject({ code: 'ValidationFailed', status: 422 });
    return (err as ApiError).details['detail'] as readonly Problem[];
  }
  throw new Error('nothing was refused');
}

describe('A body of a configuration', () => {
  it('is refused as the original refuses it, without its secrets', () => {
    const { uri: _uri, ...rest } = config;
    expect(problemsOf(() => readNewSource({ config: rest }))).toEqual([
      {
        type: 'missing',
        loc: ['body', 'config', 'uri'],
        msg: 'Field required',
        input: { driver: 'mysql', credential: { user: '***', passwd: '***' } },
      },
    ]);
  });

  it('must be there', () => {
    const missing = { type: 'missing', loc: ['body'], msg: 'Field required', input: null };
    expect(problemsOf(() => readNewSource(undefined))).toEqual([missing]);
    expect(problemsOf(() => readNewSource([]))).toMatchObject([{ type: 'model_attributes_type', loc: ['body'] }]);
    expect(problemsOf(() => readNewSource({}))).toMatchObject([{ type: 'missing', loc: ['body', 'config'] }]);
  });

  it('tells everything that is wrong with it at once', () => {
    const wrong = {
      ...config,
      uri: 7,
      max_retries: 'many',
      retry_delay_sec: 1.5,
      disabled: 'perhaps',
      driver_params: [],
    };
    const problems = problemsOf(() => readNewSource({ config: wrong, discovered_fields: 'x' }));
    expect(problems.map(({ type, loc }) => `${loc.slice(1).join('.')} ${type}`)).toEqual([
      'config.uri string_type',
      'config.max_retries int_parsing',
      'config.retry_delay_sec int_from_float',
      'config.disabled bool_parsing',
      'config.driver_params dict_type',
      'discovered_fields dict_type',
    ]);
  });

  it('may have numbers and booleans as text, as pydantic reads them', () => {
    const read = readNewSource({ config: { ...config, max_retries: '3', disabled: 'false' } });
    expect(read.config).toMatchObject({ max_retries: 3, disabled: false });
  });

  it('may have members that nobody knows, but not in the login', () => {
    expect(readNewSource({ config: { ...config, future: 1 } }).config).not.toHaveProperty('future');
    const credential = { ...config.credential, type: 'passwd' };
    const problems = problemsOf(() => readNewSource({ config: { ...config, credential } }));
    expect(problems.map(({ loc, type }) => [loc.slice(3).join('.'), type])).toEqual([
      ['ApiKeyCredential.key', 'missing'],
      ['ApiKeyCredential.passwd', 'extra_forbidden'],
      ['ApiKeyCredential.type', 'extra_forbidden'],
      ['PasswdCredential.type', 'extra_forbidden'],
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('needs a login, or the name of a Secret, or to say that there is none; an edit does not', () => {
    const { credential: _credential, ...rest } = config;
    expect(problemsOf(() => readNewSource({ config: rest }))).toMatchObject([
      { loc: ['body', 'config', 'credential'] },
    ]);
    expect(readNewSource({ config: { ...rest, secret_ref: 'mine' } }).config.secret_ref).toBe('mine');
    expect(readNewSource({ config: { ...rest, credential: null } }).config.credential).toBeUndefined();
    expect(readEditedSource({ config: rest }).config.credential).toBeUndefined();
  });

  it('takes a key for a key, with a user or without', () => {
    const pusher = { driver: 'openapi', endpoint: 'http://c' };
    const read = (credential: object): unknown => readNewPusher({ config: { ...pusher, credential } }).credential;
    expect(read({ key: 'k' })).toEqual({ user: undefined, key: 'k' });
    expect(read({ user: null, key: 'k' })).toEqual({ user: undefined, key: 'k' });
    expect(read({ user: 'u', passwd: null })).toEqual({ user: 'u', passwd: undefined });
    expect(read({ user: 'u' })).toEqual({ user: 'u' });
  });

  it('of a sync is bare, and its mapping is looked through', () => {
    const fields_mapping = [{ to: 'events.a', source: ['a:0'] }, { to: 'events.b' }, 7];
    const problems = problemsOf(() => readSync({ source: 's', pusher: 'p', fields_mapping }));
    expect(problems.map(({ loc }) => loc.join('.'))).toEqual(['body.fields_mapping.1.source', 'body.fields_mapping.2']);
    expect(problemsOf(() => readSync({ source: 's', pusher: 'p', onPositionLost: 'Guess' }))).toMatchObject([
      { type: 'literal_error', msg: "Input should be 'Snapshot', 'Fail' or 'SkipToLatest'" },
    ]);
  });

  it('is read or refused whatever it is, and no answer repeats a secret or grows without bounds', () => {
    const secret = 'S3CRET-S3CRET';
    const key = fc.constantFrom('config', 'driver', 'uri', 'credential', 'passwd', 'key', 'user', 'driver_params', 'x');
    const { body } = fc.letrec<{ body: unknown }>((tie) => ({
      body: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.array(tie('body'), { maxLength: 3 }),
        fc.dictionary(key, tie('body'), { maxKeys: 4 }),
        fc.record({
          config: fc.record({
            credential: fc.record({ passwd: fc.constant([secret]), key: fc.constant({ a: secret }) }),
          }),
        }),
      ),
    }));
    fc.assert(
      fc.property(body, (value) => {
        for (const read of [readNewSource, readEditedSource, readNewPusher, readSync]) {
          try {
            read(value);
          } catch (err) {
            expect(err).toBeInstanceOf(ApiError);
            expect(JSON.stringify((err as ApiError).details)).not.toContain(secret);
          }
        }
      }),
    );
    const many = Array.from({ length: 5000 }, () => ({}));
    expect(problemsOf(() => readSync({ source: 's', pusher: 'p', fields_mapping: many }))).toHaveLength(100);
  });

  it('is nested no deeper than it can be looked through, whatever is at its bottom', () => {
    const nested = (levels: number): object => (levels === 0 ? { passwd: 'hunter2' } : { a: nested(levels - 1) });
    const deep = JSON.parse(`${'{"a":'.repeat(100_000)}"hunter2"${'}'.repeat(100_000)}`) as object;
    for (const [part, body] of [
      ['driver_params', { config: { ...config, driver_params: deep } }],
      ['discovered_fields', { config, discovered_fields: deep }],
    ] as const) {
      const problems = problemsOf(() => readNewSource(body));
      expect(problems).toMatchObject([{ type: 'too_deep', loc: expect.arrayContaining([part]) as unknown }]);
      expect(JSON.stringify(problems)).not.toContain('hunter2');
    }
    const { config: read } = readNewSource({ config: { ...config, driver_params: nested(60) } });
    expect(() => sourceFields(read)).toThrow('may hold no login');
  });
});
