import type { CrdVersion, CustomResourceDefinition } from '../crd-object.ts';
import type { JsonSchema, ValidationRule } from '../json-schema.ts';

function crd(change: (crd: CustomResourceDefinition) => void): CustomResourceDefinition {
  const object: CustomResourceDefinition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'cases.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'cases', kind: 'Case' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  change(object);
  return object;
}

function version(object: CustomResourceDefinition): CrdVersion {
  const [first] = object.spec.versions;
  if (first === undefined) throw new Error('the case has no version');
  return first;
}

const withSchema = (schema: JsonSchema): CustomResourceDefinition =>
  crd((object) => {
    version(object).schema = { openAPIV3Schema: schema };
  });

const withSpec = (spec: JsonSchema): CustomResourceDefinition => withSchema({ type: 'object', properties: { spec } });

const withRule = (rule: ValidationRule): CustomResourceDefinition =>
  withSpec({ type: 'object', properties: { n: { type: 'integer' } }, 'x-kubernetes-validations': [rule] });

/** Definitions that a real server refuses. */
export const BAD_CRDS: readonly (readonly [what: string, crd: CustomResourceDefinition])[] = [
  ['a name that does not fit', crd((object) => (object.metadata.name = 'other.example.com'))],
  ['a kind that is no name', crd((object) => (object.spec.names.kind = 'No Kind'))],
  ['no storage version', crd((object) => (version(object).storage = false))],
  ['no schema', crd((object) => delete version(object).schema)],
  ['an unknown scope', crd((object) => (object.spec.scope = 'Galaxy' as 'Cluster'))],
  ['a root that is no object', withSchema({ type: 'array', items: { type: 'string' } })],
  ['a field without a type', withSpec({ properties: {} })],
  ['items without a type', withSpec({ type: 'array', items: {} })],
  ['a bad pattern', withSpec({ type: 'string', pattern: '(' })],
  ['a default that breaks the schema', withSpec({ type: 'integer', default: 'x' })],
  [
    'keys that items need not have',
    withSpec({
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['id'],
    }),
  ],
  ['a rule about a field that is not there', withRule({ rule: 'self.m == 1' })],
  ['a rule that mixes int and double', withRule({ rule: 'self.n + 1.0 > 2.0' })],
  ['a rule that is no bool', withRule({ rule: 'self.n' })],
  ['a rule that does not parse', withRule({ rule: 'self.n ==' })],
  ['a message that is no text', withRule({ rule: 'self.n == 1', messageExpression: 'self.n' })],
  ['an unknown reason', withRule({ rule: 'self.n == 1', reason: 'Because' as 'FieldValueInvalid' })],
  ['a path to a field that is not there', withRule({ rule: 'self.n == 1', fieldPath: '.m' })],
  [
    'an old value where there can be none',
    withSpec({
      type: 'array',
      maxItems: 5,
      items: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
    }),
  ],
  [
    'a column of no type',
    crd((object) => (version(object).additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: '.a' }])),
  ],
  [
    'a column without a path',
    crd((object) => (version(object).additionalPrinterColumns = [{ name: 'A', type: 'string', jsonPath: 'a' }])),
  ],
];
