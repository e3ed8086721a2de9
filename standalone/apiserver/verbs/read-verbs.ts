import type { KubeObject } from '../../../kube/object.ts';
import type { AcceptedForm } from '../http/accepted-form.ts';
import { acceptedForm } from '../http/accepted-form.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { json } from '../http/json-response.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest, notFound } from '../status-error.ts';
import { keyOf } from '../storage/stored-object.ts';
import { toTable } from '../table/table.ts';
import type { ApiContext } from './api-context.ts';
import { readListOptions, readVersion } from './list-options.ts';
import { ListPage } from './list-page.ts';
import type { ListMetadata } from './list-page.ts';
import { servedObject, servedText } from './served-object.ts';
import { resourceOf } from './write-core.ts';

/** GET of one object. */
export function getObject({ store, now }: ApiContext, call: ResourceCall): ApiResponse {
  const { definition, namespace, name, query, request } = call;
  const form = acceptedForm(request.accept);
  if (query.size > 0) readVersion(query);
  const stored = store.get(keyOf(definition.storedAs, namespace, name));
  if (stored === undefined) throw notFound(resourceOf(definition), name);
  if (form === 'object') return json(200, servedText(definition, stored));
  return json(200, shown(form, definition, servedObject(definition, stored), call, now()));
}

/** GET of a collection: a page of it, or all. */
export async function listObjects(context: ApiContext, call: ResourceCall): Promise<ApiResponse> {
  const { definition, request, query } = call;
  const form = acceptedForm(request.accept);
  const page = await ListPage.read(context.store, call, readListOptions(query, definition));
  if (form === 'object') return json(200, listText(definition, page.metadata, page.texts()));
  const objects = page.objects();
  if (form === 'table') {
    const table = toTable(definition, objects, { includeObject: includeObject(query), now: context.now() });
    return json(200, JSON.stringify({ ...table, metadata: page.metadata }));
  }
  const items = objects.map((object) => JSON.stringify(partialMetadata(object)));
  return json(
    200,
    `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(page.metadata)},"items":[${items.join(',')}]}`,
  );
}

export function listText(definition: ResourceDefinition, metadata: ListMetadata, items: readonly string[]): string {
  const { group, version, listKind, custom } = definition;
  // Lists of custom kinds show an empty token, as the real server's do.
  const shownMetadata = JSON.stringify(custom ? { continue: '', ...metadata } : metadata);
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${shownMetadata},"items":[${items.join(',')}]}`;
}

/** One object as a table or as its metadata alone. */
export function shown(
  form: AcceptedForm,
  definition: ResourceDefinition,
  object: KubeObject,
  { query }: Pick<ResourceCall, 'query'>,
  now: Date,
): string {
  if (form === 'metadata') return JSON.stringify(partialMetadata(object));
  if (form === 'object') return JSON.stringify(object);
  const table = toTable(definition, [object], { includeObject: includeObject(query), now });
  const { resourceVersion } = object.metadata;
  return JSON.stringify({ ...table, metadata: { ...(resourceVersion !== undefined && { resourceVersion }) } });
}

function includeObject(query: URLSearchParams): 'None' | 'Metadata' | 'Object' {
  const value = query.get('includeObject') ?? '';
  if (value === 'None' || value === 'Object' || value === 'Metadata') return value;
  if (value === '') return 'Metadata';
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

function partialMetadata({ metadata }: KubeObject): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
