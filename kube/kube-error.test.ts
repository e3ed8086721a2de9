import { describe, expect, it } from 'vitest';
import { KubeError, isAlreadyExists, isConflict, isGone, isInvalid, isNotFound, isTooLarge } from './kube-error.ts';
import type { KubeStatus } from './kube-error.ts';

const error = (code: number, status: KubeStatus = {}): KubeError => new KubeError(code, status, 'PUT /x');

describe('KubeError', () => {
  it('says which call failed and what the server said', () => {
    const err = error(409, { message: 'the object has been modified', reason: 'Conflict' });
    expect(err.message).toBe('PUT /x: the object has been modified');
    expect(err).toMatchObject({ name: 'KubeError', code: 409, reason: 'Conflict', retryAfterMs: undefined });
  });

  it('names the status code when the server said nothing', () => {
    expect(error(502).message).toBe('PUT /x: HTTP 502');
    expect(error(502).reason).toBe('');
  });

  it('takes the pause from the header, else from the status', () => {
    const status = { details: { retryAfterSeconds: 3 } };
    expect(new KubeError(429, status, 'GET /x', 1000).retryAfterMs).toBe(1000);
    expect(error(429, status).retryAfterMs).toBe(3000);
  });
});

describe('the kinds of error', () => {
  it('are told apart by code and reason', () => {
    const checks = { isNotFound, isConflict, isAlreadyExists, isInvalid, isGone, isTooLarge };
    const kinds = (err: unknown): string[] => Object.entries(checks).flatMap(([name, is]) => (is(err) ? [name] : []));
    expect(kinds(error(404))).toEqual(['isNotFound']);
    expect(kinds(error(409, { reason: 'Conflict' }))).toEqual(['isConflict']);
    expect(kinds(error(409))).toEqual(['isConflict']);
    expect(kinds(error(409, { reason: 'AlreadyExists' }))).toEqual(['isAlreadyExists']);
    expect(kinds(error(422, { reason: 'Invalid' }))).toEqual(['isInvalid']);
    expect(kinds(error(410, { reason: 'Expired' }))).toEqual(['isGone']);
    expect(kinds(error(413))).toEqual(['isTooLarge']);
    expect(kinds(error(500, { message: 'etcdserver: request is too large' }))).toEqual(['isTooLarge']);
    expect(kinds(error(500, { message: 'rpc error: trying to send message larger than max' }))).toEqual(['isTooLarge']);
    expect(kinds(error(500, { message: 'etcdserver: leader changed' }))).toEqual([]);
    expect(kinds(new Error('404'))).toEqual([]);
    expect(kinds(undefined)).toEqual([]);
  });
});
