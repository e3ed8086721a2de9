import { isObject, parseJson } from './lossless-json.ts';
import type { ElasticsearchAnswer } from './elasticsearch-client.ts';
import { TaskFailure } from '../../task-failure.ts';

/** The server refused an operation, or gave an answer that cannot be understood. */
export class Refused extends TaskFailure {
  override readonly name = 'Refused';
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'AuthenticationFailed',
  403: 'PermissionDenied',
  404: 'NotFound',
  409: 'VersionConflict',
};
const MAX_TEXT = 2000;

/** The object that a good answer is. Throws `Refused` when it is none. */
export function objectOf(answer: ElasticsearchAnswer): Readonly<Record<string, unknown>> {
  if (answer.status >= 400) throw errorOf(answer);
  const body = parsed(answer.text);
  if (isObject(body)) return body;
  throw new Refused('RequestRefused', `${String(answer.status)} with an answer that is no JSON object`);
}

/** What an answer with a status of 400 or more says. */
function errorOf({ status, text }: ElasticsearchAnswer): Refused {
  const reason = REASONS[status] ?? 'RequestRefused';
  const said = causeOf(text) ?? text.trim().slice(0, MAX_TEXT);
  if (status === 401) return new Refused(reason, `authentication failed: ${said}`);
  return new Refused(reason, `${String(status)} ${said}`.trim());
}

/** `type: reason` of an error as Elasticsearch writes it, with the cause that tells more. */
export function describeCause(error: unknown): string {
  if (typeof error === 'string') return error.slice(0, MAX_TEXT);
  if (!isObject(error)) return 'unknown error';
  const own = [error['type'], error['reason']].filter((part) => typeof part === 'string').join(': ');
  const cause = isObject(error['caused_by']) ? error['caused_by']['reason'] : undefined;
  const more = typeof cause === 'string' && !own.includes(cause) ? ` (${cause})` : '';
  return `${own}${more}`.slice(0, MAX_TEXT) || 'unknown error';
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function causeOf(text: string): string | undefined {
  const body = parsed(text);
  if (!isObject(body)) return undefined;
  if (body['error'] !== undefined) return describeCause(body['error']);
  if (body['result'] === 'not_found') return 'there is no such document';
  const failures = Array.isArray(body['failures']) ? (body['failures'] as unknown[]) : [];
  const [first] = failures;
  if (!isObject(first)) return undefined;
  const others = failures.length > 1 ? `, and ${String(failures.length - 1)} more` : '';
  return `${String(first['index'])}/${String(first['id'])}: ${describeCause(first['cause'] ?? first['reason'])}${others}`;
}
