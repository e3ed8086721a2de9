import type { Entry } from './api.ts';

/** One way in which the embedded server is meant to answer otherwise than a real one. Nothing else is excused. */
interface IntendedDifference {
  readonly reason: string;
  /** Whether it applies to every answer or only where a scenario names it. */
  readonly everywhere: boolean;
  /** Reduces an answer of either server to what must still be equal. */
  readonly reduce: (entry: Entry) => Entry;
}

type Fields = Readonly<Record<string, unknown>>;

/** The groups that the embedded server serves; a real one serves some twenty more. */
const SERVED_GROUPS = [
  'apiextensions.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'coordination.k8s.io',
  'events.k8s.io',
  'tiangong.io',
];

/** What the embedded server serves of groups of which a real one serves more. */
const SERVED_RESOURCES =
  /^(configmaps|events|leases|namespaces(\/status|\/finalize)?|secrets|serviceaccounts|customresourcedefinitions(\/status)?|agents(\/status)?|deploytasks(\/status)?|tokenreviews|self\w+reviews|subjectaccessreviews)$/;

/** Up to the text itself, which stands in parentheses at the end. */
const SYNTAX_ERROR =
  /((couldn't get version\/kind; )?json parse error|error decoding patch|yaml): (?!json: cannot unmarshal \w+ into Go struct).*?(?= \([^()]*\)$|$)/s;

/** Fields of answers that differ from build to build or from process to process, whoever made the server. */
export const intendedDifferences = {
  managedFields: {
    reason:
      'The embedded server keeps no field managers: server-side apply is refused, so nobody would read them, and they would double the size of every object.',
    everywhere: true,
    reduce: (entry) => ({ ...entry, body: without(entry.body, 'managedFields') }),
  },
  echoedObject: {
    reason:
      'A strict refusal of a patch quotes the whole object, field managers and all; the field that it refuses follows.',
    everywhere: true,
    reduce: (entry) => replaceTexts(entry, /Invalid value: "\{\\".*\}": /s, 'Invalid value: <object>: '),
  },
  parserTexts: {
    reason: 'What is wrong with a text that is not a JSON or YAML object is said in the words of the parser.',
    everywhere: true,
    reduce: (entry) => replaceTexts(entry, SYNTAX_ERROR, '<syntax error>'),
  },
  mediaTypes: {
    reason: 'The embedded server speaks neither protobuf nor server-side apply, reads YAML and answers in JSON.',
    everywhere: true,
    reduce: (entry) =>
      replaceTexts(
        replaceTexts(entry, /, application\/(apply-patch\+yaml|vnd\.kubernetes\.protobuf)/g, ''),
        /(media types are accepted: application\/json), application\/yaml/,
        '$1',
      ),
  },
  etcdKeys: {
    reason: 'A real server tells the key in etcd of an object that a precondition does not fit.',
    everywhere: true,
    reduce: (entry) => replaceTexts(entry, /StorageError: .*AdditionalErrorMsg: /, ''),
  },
  builtinDescriptions: {
    reason: 'Columns and fields of built-in kinds are described in words of our own.',
    everywhere: false,
    reduce: (entry) => ({ ...entry, body: without(entry.body, 'description') }),
  },
  metaDescriptions: {
    reason: 'apiVersion, kind, metadata and lists of any kind are described in words of our own.',
    everywhere: false,
    reduce: (entry) =>
      onFields(entry, (body) => ({ ...body, properties: withoutMetaDescriptions(body['properties'] as Fields) })),
  },
  openapiOperations: {
    reason:
      'Of an operation only what it takes is told, which is all that kubectl asks: no server-side apply, and no examples of answers for generators of clients.',
    everywhere: false,
    reduce: (entry) =>
      onFields(entry, (body) => ({
        parameters: (body['parameters'] as Fields[]).map((one) => one['name']).filter((name) => name !== 'force'),
        action: body['x-kubernetes-action'],
        kind: body['x-kubernetes-group-version-kind'],
      })),
  },
  builtinExplanations: {
    reason:
      'As builtinDescriptions and managedFields, in what kubectl explain prints: the names of fields are compared, and their types, where a nested type of Go is an Object.',
    everywhere: false,
    reduce: (entry) => replaceTexts(onLines(entry, explainedField()), /<((?:\[\])?)[A-Z]\w*>/, '<$1Object>'),
  },
  echoedOwners: {
    reason: 'Owner references that an error quotes have their members sorted by name, as every quoted object has here.',
    everywhere: false,
    reduce: (entry) => replaceTexts(entry, /Invalid value: \[\{.*\}\]: /s, 'Invalid value: <owners>: '),
  },
  serverSideApply: {
    reason:
      'Apply patches are answered with a 415 that says so, as by a server without that feature; kubectl apply needs them only with --server-side.',
    everywhere: false,
    reduce: (entry) => ({ step: entry.step, body: 'left out' }),
  },
  storageVersionHash: {
    reason:
      'The hash serves the migration of stored versions between releases of Kubernetes; there is one version here.',
    everywhere: false,
    reduce: (entry) => ({ ...entry, body: without(entry.body, 'storageVersionHash') }),
  },
  servedResources: {
    reason:
      'The embedded server serves only the resources that the product and its users need: no pods, no nodes. It gives no tokens to service accounts.',
    everywhere: false,
    reduce: (entry) =>
      onFields(entry, (body) => ({ ...body, resources: sorted(keep(body['resources'], 'name', served)) })),
  },
  servedGroups: {
    reason:
      'The embedded server serves only the groups that the product and its users need; OpenAPI is told of them by version.',
    everywhere: false,
    reduce: (entry) =>
      onFields(entry, (body) => ({
        ...body,
        ...('groups' in body && {
          groups: sorted(keep(body['groups'], 'name', (name) => SERVED_GROUPS.includes(name))),
        }),
        ...('paths' in body && { paths: servedPaths(body['paths'] as Fields) }),
      })),
  },
  aggregatedDiscovery: {
    reason: 'As servedGroups and servedResources, for both in one document; how fresh a group is concerns aggregation.',
    everywhere: false,
    reduce: (entry) => onFields(entry, (body) => ({ ...body, items: servedItems(body['items']) })),
  },
  serverAddress: {
    reason: 'A server knows its own address only; nothing reads this field any more.',
    everywhere: false,
    reduce: (entry) => ({ ...entry, body: without(entry.body, 'serverAddressByClientCIDRs') }),
  },
  buildOfServer: {
    reason: 'Commit, compiler and build date are those of the program that answers.',
    everywhere: false,
    reduce: (entry) => onFields(entry, ({ major, minor, platform }) => ({ major, minor, platform })),
  },
  ages: {
    reason: 'An age is the time between creation and the moment of the answer.',
    everywhere: false,
    reduce: (entry) => ({
      ...entry,
      body: JSON.parse(JSON.stringify(entry.body).replace(/"\d{1,2}s"/g, '"<age>"')) as unknown,
    }),
  },
  anonymous: {
    reason:
      'A real server lets anonymous callers in as system:anonymous and then forbids everything; the embedded server asks for a token.',
    everywhere: false,
    reduce: (entry) => ({ step: entry.step, body: 'left out' }),
  },
  userIds: {
    reason:
      "A real server's static tokens carry a uid and a group for each user; the embedded server's users have a name and roles.",
    everywhere: false,
    reduce: (entry) => ({ ...entry, body: without(without(entry.body, 'uid'), 'extra') }),
  },
  servedLines: {
    reason: 'As servedGroups and servedResources, in what kubectl prints.',
    everywhere: false,
    reduce: (entry) => onLines(entry, (line) => servedLine(line)),
  },
  buildLine: {
    reason: 'As buildOfServer, and each server has an address of its own.',
    everywhere: false,
    reduce: (entry) => onLines(entry, (line) => !/Server Version|is running at/.test(line)),
  },
  userLines: {
    reason: 'As userIds, in what kubectl prints.',
    everywhere: false,
    reduce: (entry) => onLines(entry, (line) => !/^(UID|Extra)/.test(line)),
  },
  tokens: {
    reason: 'Each server has its own tokens, and only a real one has service accounts as an audience for them.',
    everywhere: false,
    reduce: (entry) => ({ ...entry, body: without(without(entry.body, 'token'), 'audiences') }),
  },
  authorizationReason: {
    reason: 'Why a call is allowed: by a role binding there, by a built-in role here.',
    everywhere: false,
    reduce: (entry) => (entry.status === 201 ? { ...entry, body: without(entry.body, 'reason') } : entry),
  },
} as const satisfies Record<string, IntendedDifference>;

export type DifferenceName = keyof typeof intendedDifferences;

export function applyIntendedDifferences(entry: Entry, named: readonly DifferenceName[]): Entry {
  let reduced = entry;
  for (const [name, difference] of Object.entries(intendedDifferences)) {
    if (difference.everywhere || named.includes(name as DifferenceName)) reduced = difference.reduce(reduced);
  }
  return reduced;
}

const served = (name: string): boolean => SERVED_RESOURCES.test(name);

function onFields(entry: Entry, change: (body: Fields) => unknown): Entry {
  return typeof entry.body === 'object' && entry.body !== null
    ? { ...entry, body: change(entry.body as Fields) }
    : entry;
}

function onLines(entry: Entry, condition: (line: string) => boolean): Entry {
  return onFields(entry, (body) => ({ ...body, stdout: (body['stdout'] as string[]).filter(condition) }));
}

/** Versions of served groups, without the groups themselves. */
function servedPaths(paths: Fields): readonly string[] {
  return Object.keys(paths)
    .filter(
      (path) => path === 'api/v1' || (path.split('/').length === 3 && SERVED_GROUPS.includes(path.split('/')[1] ?? '')),
    )
    .sort();
}

function withoutMetaDescriptions(properties: Fields): Fields {
  const meta = ['apiVersion', 'kind', 'metadata', 'items'];
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const { description, ...rest } = property as Fields;
      return [name, meta.includes(name) ? rest : { description, ...rest }];
    }),
  );
}

/** Keeps the lines that name fields, but for those of field managers. */
function explainedField(): (line: string) => boolean {
  let managers = '';
  return (line) => {
    if (/^(KIND|VERSION|GROUP|FIELDS?):/.test(line)) return true;
    const [, indent] = /^( {2,})[\w$]+\t</.exec(line) ?? [];
    if (indent === undefined || (managers !== '' && indent.length > managers.length)) return false;
    managers = line.includes('managedFields') ? indent : '';
    return managers === '';
  };
}

function servedLine(line: string): boolean {
  const [first = '', ...rest] = line.split(/ +/);
  if (rest.length === 0) return first === 'v1' || SERVED_GROUPS.includes(first.split('/')[0] ?? '');
  const group = rest.find((word) => /^([a-z.0-9]+\/)?v1(alpha1)?$/.test(word)) ?? '';
  return served(first) && (group === 'v1' || SERVED_GROUPS.includes(group.split('/')[0] ?? ''));
}

function keep(items: unknown, field: string, condition: (value: string) => boolean): readonly Fields[] {
  return (items as Fields[] | undefined)?.filter((item) => condition(item[field] as string)) ?? [];
}

/** The order of a real server's kinds from CRDs changes from start to start. */
const sorted = (items: readonly Fields[], field = 'name'): readonly Fields[] =>
  [...items].sort((a, b) => (String(a[field]) < String(b[field]) ? -1 : 1));

interface GroupDiscovery {
  readonly metadata?: { readonly name?: string };
  readonly versions: readonly { readonly resources: readonly Fields[] }[];
}

function servedItems(items: unknown): unknown {
  const groups = (items as GroupDiscovery[]).filter(({ metadata }) =>
    SERVED_GROUPS.includes(metadata?.name ?? 'tiangong.io'),
  );
  return groups
    .map((group) => ({
      name: group.metadata?.name ?? '',
      versions: group.versions.map((version) => ({
        ...(without(version, 'freshness') as Fields),
        resources: sorted(keep(version.resources, 'resource', served), 'resource').map((resource) => ({
          ...resource,
          subresources: keep(resource['subresources'], 'subresource', (name) => name !== 'token'),
        })),
      })),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function without(value: unknown, dropped: string): unknown {
  if (Array.isArray(value)) return value.map((item) => without(item, dropped));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (key === dropped ? [] : [[key, without(child, dropped)]])),
  );
}

function replaceTexts(entry: Entry, pattern: RegExp, replacement: string): Entry {
  const replace = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(pattern, replacement);
    if (Array.isArray(value)) return value.map(replace);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, replace(child)]));
  };
  return { ...entry, body: replace(entry.body) };
}
