import { expect } from 'vitest';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { RestTask } from '../programs/rest-client.ts';

/** design.md §3, written down a second time so that it is not the API's own code that says what is right. */
const STATUS: Readonly<Record<string, string>> = {
  Pending: 'pending',
  Assigned: 'running',
  Running: 'running',
  Succeeded: 'success',
  Failed: 'failed',
  Unknown: 'failed',
  Canceled: 'canceled',
};

/** Expects what REST says of a task to be what kubectl says of it, field by field. */
export function expectAgreement(rest: RestTask, { metadata, spec, status = {} }: DeployTask): void {
  expect({ ...rest, params: JSON.parse(rest.params) as unknown }).toEqual({
    id: metadata.name,
    agent_id: status.assignment?.agent,
    type: spec.type,
    status: STATUS[status.state ?? 'Pending'],
    command: spec.command ?? '',
    params: spec.params ?? {},
    file_id: spec.fileId ?? '',
    result: status.result?.text ?? '',
    error: errorOf(status),
    started_at: status.startTime ?? null,
    finished_at: status.completionTime ?? null,
    created_at: metadata.creationTimestamp,
    updated_at: status.completionTime ?? status.startTime ?? status.assignment?.time ?? metadata.creationTimestamp,
  });
}

function errorOf({ state, error = '' }: NonNullable<DeployTask['status']>): string {
  if (state === 'Succeeded') return '';
  return state === 'Unknown' ? `outcome unknown, the work may or may not have been done: ${error}` : error;
}
