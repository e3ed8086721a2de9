import type { Attributes, Decision } from '../auth/authorizer.ts';
import { denial } from '../auth/authorizer.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { NonResourceHandler } from './non-resource-paths.ts';
import {
  badRequest,
  forbidden,
  internalError,
  methodNotAllowed,
  notFound,
  pathNotFound,
  StatusError,
  verbNotAllowed,
} from '../status-error.ts';
import { keyOf } from '../storage/stored-object.ts';
import { deleteCollection, deleteObject } from '../verbs/delete-verbs.ts';
import { finalizeNamespace } from '../verbs/finalize-namespace.ts';
import { isTrue } from '../verbs/list-options.ts';
import { NAMESPACES } from '../verbs/namespace-lifecycle.ts';
import { patchObject } from '../verbs/patch-verb.ts';
import { getObject, listObjects } from '../verbs/read-verbs.ts';
import { answerReview } from '../verbs/review-verbs.ts';
import { watchObjects } from '../verbs/watch-verb.ts';
import { createObject, updateObject } from '../verbs/write-verbs.ts';
import { resourceOf } from '../verbs/write-core.ts';
import type { ApiContext } from '../verbs/api-context.ts';
import type { ApiRequest, ApiResponse, ResourceCall } from './api-call.ts';
import { json, pageNotFound } from './json-response.ts';
import { parseResourcePath } from './request-path.ts';
import type { ResourcePath } from './request-path.ts';
import type { ResourceDefinition } from '../resource-definition.ts';

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

const NO_QUERY = new URLSearchParams();

/** Answers requests, however they came: finds the kind, asks whether the caller may, and calls the verb. */
export class RequestHandler {
  readonly #context: ApiContext;
  readonly #paths: NonResourceHandler;
  readonly #metrics: RequestMetrics;
  readonly #onError: (err: unknown, request: ApiRequest) => void;

  /** `onError` hears of failures that are this server's fault. */
  constructor(
    context: ApiContext,
    paths: NonResourceHandler,
    metrics: RequestMetrics,
    onError: (err: unknown, request: ApiRequest) => void,
  ) {
    this.#context = context;
    this.#paths = paths;
    this.#metrics = metrics;
    this.#onError = onError;
  }

  /** Never rejects: every failure is an answer. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const labels = { verb: request.method, resource: '', subresource: '' };
    let response: ApiResponse;
    try {
      response = await this.#answer(request, labels);
    } catch (err) {
      response = this.#failure(err, request);
    }
    this.#metrics.count(labels, response.status);
    return response;
  }

  async #answer(
    request: ApiRequest,
    labels: { verb: string; resource: string; subresource: string },
  ): Promise<ApiResponse> {
    const { url } = request;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
    const target = path.startsWith('/api') ? parseResourcePath(path) : undefined;
    if (target === undefined) return this.#paths.answer(request, path, query);
    const verb = verbOf(request.method, target, query);
    const definition = this.#context.registry.find(target.group, target.version, target.plural);
    labels.verb = verb;
    // Only what is served is counted by name: others' names would fill the memory.
    if (definition !== undefined) labels.resource = target.plural;
    if (target.subresource === 'status') labels.subresource = target.subresource;
    const { onlyName, onlyFields } = this.#authorize(request, verb, target, query, definition);
    if (definition === undefined) return this.#unknown(target);
    const { namespace, name } = target;
    if (definition.namespaced ? namespace === '' && name !== '' : namespace !== '') throw pathNotFound();
    const subresource = subresourceOf(target, definition);
    const warnings: string[] = [];
    const selected = onlyFields === undefined ? query : withFields(query, onlyFields);
    const call: ResourceCall = {
      definition,
      namespace,
      name,
      subresource,
      query: selected,
      request,
      onlyName,
      warnings,
    };
    let response: ApiResponse;
    try {
      response = await this.#run(verb, call);
    } catch (err) {
      response = this.#failure(err, request);
    }
    return warnings.length === 0 || 'stream' in response
      ? response
      : { ...response, headers: { ...response.headers, warning: warnings.map(warningHeader) } };
  }

  /** Of groups that are not built in nothing is known: the real server has no handler for such a path. */
  #unknown({ group }: ResourcePath): ApiResponse {
    if (this.#context.registry.all.some((known) => known.group === group && !known.custom)) throw pathNotFound();
    return pageNotFound();
  }

  async #run(verb: Verb, call: ResourceCall): Promise<ApiResponse> {
    const context = this.#context;
    const { definition } = call;
    if (definition.virtual) {
      if (verb !== 'create') throw verbNotAllowed();
      return answerReview(context, call);
    }
    if (!definition.verbs.includes(verb)) throw notAllowed(definition, verb);
    if (call.subresource !== '' && !['get', 'update', 'patch'].includes(verb)) throw notAllowed(definition, verb);
    if (call.subresource === 'finalize') {
      if (verb !== 'update') throw verbNotAllowed();
      return finalizeNamespace(context, call);
    }
    switch (verb) {
      case 'get':
        return getObject(context, call);
      case 'list':
        return listObjects(context, call);
      case 'watch':
        return watchObjects(context, call);
      case 'create':
        if (call.namespace === '' && definition.namespaced) return outsideNamespace(definition);
        if (call.name !== '') throw verbNotAllowed();
        return createObject(context, call);
      case 'update':
      case 'patch':
        if (call.name === '') throw definition.custom ? badRequest('name must be provided') : verbNotAllowed();
        return verb === 'update' ? updateObject(context, call) : patchObject(context, call);
      case 'delete':
        return deleteObject(context, call);
      case 'deletecollection':
        if (call.namespace === '' && definition.namespaced) return outsideNamespace(definition);
        return deleteCollection(context, call);
    }
  }

  #authorize(
    { user }: ApiRequest,
    verb: Verb,
    { group, plural, subresource, namespace, name }: ResourcePath,
    query: URLSearchParams,
    definition: ResourceDefinition | undefined,
  ): Pick<Decision, 'onlyName' | 'onlyFields'> {
    const { authorizer, store } = this.#context;
    const attributes: Attributes = {
      verb,
      group,
      resource: plural,
      subresource,
      namespace,
      name: name === '' && (verb === 'list' || verb === 'watch') ? selectedName(query) : name,
      stored: () =>
        definition === undefined ? undefined : store.latest(keyOf(definition.storedAs, namespace, name))?.object,
    };
    const { allowed, ...bounds } = authorizer.decide(user, attributes);
    if (!allowed) throw forbidden({ group, name: plural }, name, denial(user, attributes));
    return bounds;
  }

  #failure(err: unknown, request: ApiRequest): ApiResponse {
    if (!(err instanceof StatusError)) this.#onError(err, request);
    const error =
      err instanceof StatusError
        ? err
        : err instanceof URIError
          ? badRequest('the path holds broken percent-encoding')
          : internalError('the server failed to answer; its log says why');
    const status = error.toStatus();
    const seconds = error.details?.retryAfterSeconds;
    return json(
      error.code,
      JSON.stringify(status),
      seconds === undefined ? undefined : { 'retry-after': String(seconds) },
    );
  }
}

function verbOf(method: string, { name }: ResourcePath, query: URLSearchParams): Verb {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (name !== '') return 'get';
      return query.size > 0 && isTrue(query.get('watch')) ? 'watch' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
    case 'PATCH':
      return method === 'PUT' ? 'update' : 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      throw verbNotAllowed();
  }
}

/** Kinds other than built-in ones answer for themselves what they do not have. */
function subresourceOf(
  { name, subresource }: ResourcePath,
  definition: ResourceDefinition,
): ResourceCall['subresource'] {
  if (subresource === '') return '';
  if (subresource === 'status' && definition.hasStatus) return 'status';
  if (subresource === 'finalize' && definition.storedAs === NAMESPACES) return 'finalize';
  throw definition.custom ? notFound(resourceOf(definition), name) : pathNotFound();
}

function notAllowed(definition: ResourceDefinition, verb: Verb): StatusError {
  return definition.custom ? methodNotAllowed(resourceOf(definition), verb) : verbNotAllowed();
}

/** Writes of namespaced kinds to all namespaces at once. */
function outsideNamespace(definition: ResourceDefinition): ApiResponse {
  if (definition.custom) return pageNotFound();
  throw verbNotAllowed();
}

/** A list of one name is a read of that object to the authorizer, as in the real server. */
function selectedName(query: URLSearchParams): string {
  const [, name = ''] = /^metadata\.name==?([^,=!]+)$/.exec(query.get('fieldSelector') ?? '') ?? [];
  return name;
}

/** The query with a field selector beside the one that it has. */
function withFields(query: URLSearchParams, selector: string): URLSearchParams {
  const narrowed = new URLSearchParams(query);
  narrowed.set('fieldSelector', [query.get('fieldSelector') ?? '', selector].filter((part) => part !== '').join(','));
  return narrowed;
}

function warningHeader(text: string): string {
  return `299 - "${text.replace(/[\\"]/g, '\\$&')}"`;
}
