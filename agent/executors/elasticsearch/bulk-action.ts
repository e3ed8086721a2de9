import { isObject } from './lossless-json.ts';

/** One action of a bulk request, as it goes over the wire. */
export interface BulkAction {
  /** Its place among the actions of the task, from 1. */
  readonly position: number;
  /** One line or two of NDJSON, each with its line end. */
  readonly lines: string;
}

/** An action that cannot be. */
export class BulkActionError extends Error {
  override readonly name = 'BulkActionError';
}

/** An element of a list of actions: an action, or what belongs to the action before it. */
export interface BulkElement {
  readonly value: unknown;
  /** The element's own text, in one line, which is sent as it is; made of the value unless given. */
  readonly text?: string;
}

const VERBS = ['index', 'create', 'update', 'delete'] as const;
type Verb = (typeof VERBS)[number];

/** What may stand in the line of an action (Elasticsearch's bulk API). */
const METADATA: ReadonlySet<string> = new Set([
  '_index',
  '_id',
  'routing',
  'if_seq_no',
  'if_primary_term',
  'version',
  'version_type',
  'op_type',
  'pipeline',
  'require_alias',
  'require_data_stream',
  'dynamic_templates',
  'list_executed_pipelines',
  'retry_on_conflict',
]);

/** What an update's own line may have. */
const UPDATE_BODY: ReadonlySet<string> = new Set([
  'doc',
  'script',
  'upsert',
  'doc_as_upsert',
  'scripted_upsert',
  'detect_noop',
]);

/**
 * Turns the manual's actions into those of the bulk API: each has one key, `index`, `create`, `update` or `delete`; its
 * `_source`, or the `doc`, `script`, `upsert` and so on of an update, becomes a line of its own. The API's own style, in
 * which that is an element of its own, is understood as well. Throws `BulkActionError`.
 *
 * @param hasIndex - whether the request names an index, so that an action need not
 * @param guarded - refuses an action in the place of a document: a list whose first action lacks its `_source`
 */
export async function* readActions(
  elements: AsyncIterable<BulkElement> | Iterable<BulkElement>,
  { hasIndex, guarded }: { readonly hasIndex: boolean; readonly guarded: boolean },
): AsyncGenerator<BulkAction, void> {
  let waiting: { head: string; verb: Verb; position: number } | undefined;
  let position = 0;
  for await (const element of elements) {
    if (waiting !== undefined) {
      if (element.text === undefined && !isObject(element.value))
        throw broken(waiting.position, `the document of ${waiting.verb} must be an object`);
      if (guarded && actionOf(element.value) !== undefined)
        throw broken(waiting.position, `${waiting.verb} has no ${waiting.verb === 'update' ? 'doc' : '_source'}`);
      if (waiting.verb === 'update' && isObject(element.value)) checkUpdate(element.value, waiting.position);
      yield {
        position: waiting.position,
        lines: waiting.head + (element.text ?? JSON.stringify(element.value)) + '\n',
      };
      waiting = undefined;
      continue;
    }
    position += 1;
    const verb = actionOf(element.value);
    if (verb === undefined)
      throw broken(position, 'must be an object with one key, which is index, create, update or delete');
    const { metadata, body } = split(verb, (element.value as Record<Verb, Record<string, unknown>>)[verb], position);
    if (!hasIndex && typeof metadata['_index'] !== 'string')
      throw broken(position, 'has no _index, and the command names no index');
    const head = `${JSON.stringify({ [verb]: metadata })}\n`;
    if (verb === 'delete') yield { position, lines: head };
    else if (body !== undefined) yield { position, lines: `${head}${JSON.stringify(body)}\n` };
    else waiting = { head, verb, position };
  }
  if (waiting !== undefined)
    throw broken(waiting.position, `${waiting.verb} has no ${waiting.verb === 'update' ? 'doc' : '_source'}`);
}

/** Which action an element is; undefined when it is none. */
function actionOf(value: unknown): Verb | undefined {
  if (!isObject(value)) return undefined;
  const [key, ...others] = Object.keys(value);
  const verb = VERBS.find((known) => known === key);
  return others.length === 0 && verb !== undefined && isObject(value[verb]) ? verb : undefined;
}

function split(
  verb: Verb,
  action: Readonly<Record<string, unknown>>,
  position: number,
): { metadata: Record<string, unknown>; body: unknown } {
  const metadata: Record<string, unknown> = {};
  const update: Record<string, unknown> = {};
  let source: unknown;
  for (const [key, value] of Object.entries(action)) {
    if (key === '_source') source = value;
    else if (METADATA.has(key)) metadata[key] = value;
    else if (verb === 'update' && UPDATE_BODY.has(key)) update[key] = value;
    else throw broken(position, `${verb} may not have ${JSON.stringify(key)}${hintFor(verb, key)}`);
  }
  const id = metadata['_id'];
  if (id !== undefined && (typeof id === 'object' || id === '')) throw broken(position, '_id must be a string');
  if ((verb === 'update' || verb === 'delete') && id === undefined) throw broken(position, `${verb} needs an _id`);
  if (verb === 'delete' && source !== undefined) throw broken(position, 'delete may not have "_source"');
  if (verb !== 'update') {
    if (source !== undefined && !isObject(source)) throw broken(position, '_source must be an object');
    return { metadata, body: source };
  }
  return { metadata, body: updateBody(metadata, update, source, position) };
}

/** An update's `_source` is what the API's own second line would be, or which fields to give back. */
function updateBody(
  metadata: Record<string, unknown>,
  update: Record<string, unknown>,
  source: unknown,
  position: number,
): unknown {
  const isBody = isObject(source) && Object.keys(source).some((key) => UPDATE_BODY.has(key));
  if (isObject(source) && !isBody)
    throw broken(position, 'update takes a doc or a script; an _source is no part of a document');
  if (isBody && Object.keys(update).length > 0) throw broken(position, 'update may not have both "_source" and others');
  if (source !== undefined && !isBody) metadata['_source'] = source;
  if (!isBody && Object.keys(update).length === 0) return undefined;
  const body = isBody ? source : update;
  checkUpdate(body, position);
  return body;
}

function checkUpdate(body: Readonly<Record<string, unknown>>, position: number): void {
  const unknown = Object.keys(body).find((key) => !UPDATE_BODY.has(key) && key !== '_source');
  if (unknown !== undefined) throw broken(position, `update may not have ${JSON.stringify(unknown)}`);
  if (body['doc'] === undefined && body['script'] === undefined)
    throw broken(position, 'update needs a doc or a script');
  if (body['doc'] !== undefined && !isObject(body['doc'])) throw broken(position, 'doc must be an object');
  if (body['upsert'] !== undefined && !isObject(body['upsert'])) throw broken(position, 'upsert must be an object');
}

function hintFor(verb: Verb, key: string): string {
  if (verb === 'update' || !UPDATE_BODY.has(key)) return '';
  return verb === 'delete' ? '' : '; the document stands in "_source"';
}

const broken = (position: number, text: string): BulkActionError =>
  new BulkActionError(`action ${String(position)}: ${text}`);
