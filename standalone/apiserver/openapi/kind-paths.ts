import { subresourcesOf } from '../discovery/subresources.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { schemaName } from './kind-schema.ts';
import { metaName, refTo } from './meta-schemas.ts';

type Operations = Record<string, object>;

const query = (name: string, type: string, description: string): object => ({
  name,
  in: 'query',
  description,
  schema: { type, uniqueItems: true },
});

const inPath = (name: string, description: string): object => ({
  name,
  in: 'path',
  description,
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

// kubectl reads from these which calls understand dryRun and fieldValidation.
const WRITE = [
  query('dryRun', 'string', 'All: everything is checked, nothing is written.'),
  query('fieldManager', 'string', 'Who writes.'),
  query('fieldValidation', 'string', 'What becomes of unknown and duplicate fields: Ignore, Warn or Strict.'),
];
const LIST = [
  query('allowWatchBookmarks', 'boolean', 'Whether a watch sends bookmarks.'),
  query('continue', 'string', 'Where the page before ended.'),
  query('fieldSelector', 'string', 'Which objects, by fields.'),
  query('labelSelector', 'string', 'Which objects, by labels.'),
  query('limit', 'integer', 'How many objects a page holds at most.'),
  query('resourceVersion', 'string', 'The version to list or to go on from.'),
  query('resourceVersionMatch', 'string', 'How resourceVersion is meant: Exact or NotOlderThan.'),
  query('sendInitialEvents', 'boolean', 'Whether a watch begins with what there is.'),
  query('timeoutSeconds', 'integer', 'After how long a watch ends, in seconds.'),
  query('watch', 'boolean', 'Whether to watch instead of listing.'),
];
const DELETE = [
  query('dryRun', 'string', 'All: everything is checked, nothing is deleted.'),
  query('gracePeriodSeconds', 'integer', 'How long the object may take to go away, in seconds.'),
  query('propagationPolicy', 'string', 'What becomes of dependents: Orphan, Background or Foreground.'),
];

/** The OpenAPI paths of a kind. */
export function kindPaths(definition: ResourceDefinition): Record<string, object> {
  const { namespaced, plural, group } = definition;
  const root = `${group === '' ? '/api' : '/apis'}/${apiVersionOf(definition)}`;
  const scope = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const where = namespaced ? [inPath('namespace', 'The namespace.')] : [];
  const one = [inPath('name', `The name of the ${definition.kind}.`), ...where];
  const operations = new KindOperations(definition);
  const paths: Record<string, object> = { [scope]: { ...operations.collection(), parameters: where } };
  if (definition.virtual) return paths;
  if (namespaced) paths[`${root}/${plural}`] = operations.list('ForAllNamespaces');
  paths[`${scope}/{name}`] = { ...operations.object(), parameters: one };
  for (const { name } of subresourcesOf(definition))
    paths[`${scope}/{name}/${name}`] = { ...operations.subresource(name), parameters: one };
  return paths;
}

class KindOperations {
  readonly #definition: ResourceDefinition;
  readonly #schema: object;

  constructor(definition: ResourceDefinition) {
    this.#definition = definition;
    this.#schema = refTo(schemaName(definition));
  }

  collection(): Operations {
    const { verbs, kind } = this.#definition;
    return {
      ...(verbs.includes('list') && this.list(this.#definition.namespaced ? 'Namespaced' : '')),
      ...(verbs.includes('create') && {
        post: this.#operation('post', `create a ${kind}`, 'create', WRITE, this.#body(), ['201']),
      }),
      ...(verbs.includes('deletecollection') && {
        delete: this.#operation('deletecollection', `delete a collection of ${kind}`, 'deleteCollection', LIST),
      }),
    };
  }

  list(suffix: string): Operations {
    const { kind } = this.#definition;
    const schema = refTo(`${schemaName(this.#definition)}List`);
    return { get: this.#operation('list', `list objects of kind ${kind}`, `list${suffix}`, LIST, {}, [], schema) };
  }

  object(): Operations {
    const { kind, verbs } = this.#definition;
    return {
      get: this.#operation('get', `read the specified ${kind}`, 'read', []),
      ...(verbs.includes('update') && {
        put: this.#operation('put', `replace the specified ${kind}`, 'replace', WRITE, this.#body()),
      }),
      ...(verbs.includes('patch') && {
        patch: this.#operation('patch', `partially update the specified ${kind}`, 'patch', WRITE, this.#patch()),
      }),
      ...(verbs.includes('delete') && {
        delete: this.#operation('delete', `delete a ${kind}`, 'delete', DELETE, this.#deleteBody()),
      }),
    };
  }

  subresource(name: string): Operations {
    const { kind } = this.#definition;
    return {
      get: this.#operation('get', `read ${name} of the specified ${kind}`, `read.${name}`, []),
      put: this.#operation('put', `replace ${name} of the specified ${kind}`, `replace.${name}`, WRITE, this.#body()),
      patch: this.#operation(
        'patch',
        `partially update ${name} of the specified ${kind}`,
        `patch.${name}`,
        WRITE,
        this.#patch(),
      ),
    };
  }

  #operation(
    action: string,
    description: string,
    id: string,
    parameters: readonly object[],
    more: object = {},
    created: readonly string[] = [],
    schema: object = this.#schema,
  ): object {
    const { group, version, kind, plural } = this.#definition;
    const answer = { content: { 'application/json': { schema } } };
    return {
      tags: [`${group === '' ? 'core' : group}_${version}`],
      description,
      operationId: `${id}.${plural}.${group === '' ? 'core' : group}.${version}`,
      parameters,
      ...more,
      responses: {
        '200': { description: 'OK', ...answer },
        ...Object.fromEntries(created.map((code) => [code, { description: 'Created', ...answer }])),
        '401': { description: 'Unauthorized' },
      },
      'x-kubernetes-action': action,
      'x-kubernetes-group-version-kind': { group, version, kind },
    };
  }

  #body(): object {
    return { requestBody: { content: { 'application/json': { schema: this.#schema } }, required: true } };
  }

  #deleteBody(): object {
    return { requestBody: { content: { 'application/json': { schema: refTo(metaName('DeleteOptions')) } } } };
  }

  #patch(): object {
    const schema = { schema: refTo(metaName('Patch')) };
    return {
      requestBody: {
        content: {
          'application/json-patch+json': schema,
          'application/merge-patch+json': schema,
          ...(!this.#definition.custom && { 'application/strategic-merge-patch+json': schema }),
        },
        required: true,
      },
    };
  }
}
