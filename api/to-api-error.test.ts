import { describe, expect, it } from 'vitest';
import { KubeError } from '../kube/kube-error.ts';
import { StoreError } from '../store/store-error.ts';
import { ApiError } from './errors.ts';
import { toApiError } from './to-api-error.ts';

describe('toApiError', () => {
  it('passes on what is in the catalogue already', () => {
    const err = new ApiError('TaskNotFound');
    expect(toApiError(err)).toBe(err);
  });

  it('names the fields that the Kubernetes API refuses', () => {
    const causes = [{ field: 'spec.params.cwd', message: 'must be of type string' }];
    const err = new KubeError(422, { details: { causes } }, 'POST /x');
    expect(toApiError(err)).toMatchObject({
      code: 'InvalidTask',
      status: 400,
      message: 'spec.params.cwd: must be of type string',
    });
  });

  it.each([
    [new KubeError(503, {}, 'GET /x', 3000), 'KubernetesUnavailable', '3'],
    [new KubeError(429, {}, 'GET /x'), 'KubernetesUnavailable', '1'],
    [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'KubernetesUnavailable', '1'],
  ])('asks to come again when the Kubernetes API cannot answer: %s', (err, code, seconds) => {
    expect(toApiError(err)).toMatchObject({ code, status: 503, headers: { 'Retry-After': seconds } });
  });

  it('says that the disk of the Kubernetes API is full', () => {
    const err = new KubeError(507, { message: 'the disk that holds the data is full' }, 'POST /x');
    expect(toApiError(err)).toMatchObject({ code: 'KubernetesUnavailable', status: 503 });
    expect(toApiError(err).message).toContain('is full');
  });

  it('tells what the Kubernetes API said when it forbids the api something', () => {
    const err = new KubeError(403, { message: 'secrets is forbidden' }, 'POST /x');
    expect(toApiError(err)).toMatchObject({ code: 'KubernetesError', status: 500 });
    expect(toApiError(err).message).toContain('secrets is forbidden');
  });

  it('says 413 of an object that etcd does not take', () => {
    const err = new KubeError(500, { message: 'etcdserver: request is too large' }, 'POST /x');
    expect(toApiError(err)).toMatchObject({ code: 'BodyTooLarge', status: 413 });
  });

  it('keeps the number of the next chunk', () => {
    const err = new StoreError('ChunkOutOfOrder', 'chunk 3 comes next', { next: 3 });
    expect(toApiError(err)).toMatchObject({ code: 'ChunkOutOfOrder', status: 409, details: { next: 3 } });
  });

  it('words what the validator found as people would', () => {
    const errors = [
      { path: '/body/agent_id', message: "must have required property 'agent_id'" },
      { path: '/query/limit', message: 'must be integer' },
    ];
    const err = Object.assign(new Error('request/body …'), { status: 400, errors });
    expect(toApiError(err).message).toBe('agent_id is required; limit must be integer');
  });

  it('says of broken percent-encoding what is wrong with it', () => {
    const errors = [{ path: '/tasks/%ff', message: "malformed uri'" }];
    const err = Object.assign(new Error('…'), { status: 400, errors });
    expect(toApiError(err).message).toBe('the path holds broken percent-encoding');
  });

  it('gives nothing away of an error that nobody foresaw', () => {
    expect(toApiError(new Error('token=s3cret'))).toMatchObject({ code: 'Internal', message: 'internal error' });
    expect(toApiError('s3cret').message).toBe('internal error');
    expect(toApiError(undefined).message).toBe('internal error');
  });
});
