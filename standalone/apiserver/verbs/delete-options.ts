import type { ApiRequest, ResourceCall } from '../http/api-call.ts';
import { JsonSyntaxError } from '../http/go-json.ts';
import { parseBody } from '../http/request-body.ts';
import { invalid as invalidField, notSupported } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { badRequest, invalid } from '../status-error.ts';
import { readDryRun } from './write-options.ts';

export type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground';

export interface DeleteOptions {
  readonly propagationPolicy: PropagationPolicy | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
  /** The answer to a delete that waits for finalizers is 202 when this was asked for, as of old. */
  readonly isOldStyleCascade: boolean;
}

interface Body {
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

/** Reads the options of a delete from its body or, without one, from its query. */
export function readDeleteOptions(call: ResourceCall): DeleteOptions {
  const given = call.request.body === '' ? fromQuery(call.query) : fromBody(call);
  const dryRun = readDryRun(given.dryRun ?? [], 'DeleteOptions');
  const errors: FieldError[] = [];
  const { propagationPolicy: policy, orphanDependents: orphan } = given;
  if (policy !== undefined && orphan !== undefined)
    errors.push(
      invalidField('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'),
    );
  else if (policy !== undefined && !POLICIES.includes(policy))
    errors.push(notSupported('propagationPolicy', policy, [...POLICIES, 'nil']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', name: 'DeleteOptions' }, '', errors);
  return {
    propagationPolicy: orphan === undefined ? (policy as PropagationPolicy) : orphan ? 'Orphan' : undefined,
    uid: given.preconditions?.uid,
    resourceVersion: given.preconditions?.resourceVersion,
    dryRun,
    isOldStyleCascade: orphan === false,
  };
}

function fromBody(call: ResourceCall): Body {
  const value = parseOptions(call.request);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('decoded object cannot be converted to DeleteOptions');
  const { kind } = value as { kind?: unknown };
  if (kind !== undefined && kind !== 'DeleteOptions')
    throw badRequest('decoded object cannot be converted to DeleteOptions');
  return value;
}

function parseOptions(request: ApiRequest): unknown {
  try {
    return parseBody(request);
  } catch (err) {
    if (!(err instanceof JsonSyntaxError)) throw err;
    throw badRequest(`couldn't get version/kind; json parse error: ${err.message}`);
  }
}

function fromQuery(query: URLSearchParams): Body {
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(policy !== null && { propagationPolicy: policy }),
    ...(orphan !== null && { orphanDependents: orphan === 'true' }),
    ...(query.has('dryRun') && { dryRun: query.getAll('dryRun') }),
  };
}
