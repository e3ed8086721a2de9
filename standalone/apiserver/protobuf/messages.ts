/** How the value of a field is encoded, and what it becomes in JSON. */
export type FieldType =
  | 'string'
  | 'bytes'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'microTime'
  | { readonly message: Message }
  | { readonly mapTo: 'string' | 'bytes' };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated?: true;
}

/** Fields of a message by their numbers. What is not named is skipped, as an unknown field is. */
export type Message = Readonly<Record<number, Field>>;

// The numbers stand in the generated.proto of k8s.io/api and k8s.io/apimachinery. Only messages that kubectl sends.

const text = (name: string): Field => ({ name, type: 'string' });
const integer = (name: string): Field => ({ name, type: 'integer' });
const boolean = (name: string): Field => ({ name, type: 'boolean' });
const texts = (name: string): Field => ({ name, type: 'string', repeated: true });
const one = (name: string, message: Message): Field => ({ name, type: { message } });
const many = (name: string, message: Message): Field => ({ name, type: { message }, repeated: true });
const map = (name: string, mapTo: 'string' | 'bytes' = 'string'): Field => ({ name, type: { mapTo } });
const time = (name: string, type: 'time' | 'microTime' = 'time'): Field => ({ name, type });

const OWNER: Message = {
  1: text('kind'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: boolean('controller'),
  7: boolean('blockOwnerDeletion'),
};
const METADATA: Field = one('metadata', {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  5: text('uid'),
  6: text('resourceVersion'),
  7: integer('generation'),
  8: time('creationTimestamp'),
  9: time('deletionTimestamp'),
  10: integer('deletionGracePeriodSeconds'),
  11: map('labels'),
  12: map('annotations'),
  13: many('ownerReferences', OWNER),
  14: texts('finalizers'),
});
const REFERENCE: Message = {
  1: text('kind'),
  2: text('namespace'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: text('resourceVersion'),
  7: text('fieldPath'),
};
const SOURCE: Message = { 1: text('component'), 2: text('host') };
const SERIES: Message = { 1: integer('count'), 2: time('lastObservedTime', 'microTime') };
const RESOURCE_ATTRIBUTES: Message = {
  1: text('namespace'),
  2: text('verb'),
  3: text('group'),
  4: text('version'),
  5: text('resource'),
  6: text('subresource'),
  7: text('name'),
};
const ATTRIBUTES: Message = {
  1: one('resourceAttributes', RESOURCE_ATTRIBUTES),
  2: one('nonResourceAttributes', { 1: text('path'), 2: text('verb') }),
};
const ACCESS_REVIEW: Message = { 1: METADATA, 2: one('spec', { ...ATTRIBUTES, 3: text('user'), 4: texts('groups') }) };
const DELETE_OPTIONS: Message = {
  1: integer('gracePeriodSeconds'),
  2: one('preconditions', { 1: text('uid'), 2: text('resourceVersion') }),
  3: boolean('orphanDependents'),
  4: text('propagationPolicy'),
  5: texts('dryRun'),
};

/** By `<apiVersion> <kind>`. DeleteOptions may come in the version of the group that they are for. */
export const MESSAGES: Readonly<Record<string, Message>> = {
  'v1 ConfigMap': { 1: METADATA, 2: map('data'), 3: map('binaryData', 'bytes'), 4: boolean('immutable') },
  'v1 Secret': {
    1: METADATA,
    2: map('data', 'bytes'),
    3: text('type'),
    4: map('stringData'),
    5: boolean('immutable'),
  },
  'v1 Namespace': { 1: METADATA, 2: one('spec', { 1: texts('finalizers') }), 3: one('status', { 1: text('phase') }) },
  'v1 ServiceAccount': {
    1: METADATA,
    2: many('secrets', REFERENCE),
    3: many('imagePullSecrets', { 1: text('name') }),
    4: boolean('automountServiceAccountToken'),
  },
  'v1 Event': {
    1: METADATA,
    2: one('involvedObject', REFERENCE),
    3: text('reason'),
    4: text('message'),
    5: one('source', SOURCE),
    6: time('firstTimestamp'),
    7: time('lastTimestamp'),
    8: integer('count'),
    9: text('type'),
    10: time('eventTime', 'microTime'),
    11: one('series', SERIES),
    12: text('action'),
    13: one('related', REFERENCE),
    14: text('reportingComponent'),
    15: text('reportingInstance'),
  },
  'events.k8s.io/v1 Event': {
    1: METADATA,
    2: time('eventTime', 'microTime'),
    3: one('series', SERIES),
    4: text('reportingController'),
    5: text('reportingInstance'),
    6: text('action'),
    7: text('reason'),
    8: one('regarding', REFERENCE),
    9: one('related', REFERENCE),
    10: text('note'),
    11: text('type'),
    12: one('deprecatedSource', SOURCE),
    13: time('deprecatedFirstTimestamp'),
    14: time('deprecatedLastTimestamp'),
    15: integer('deprecatedCount'),
  },
  'coordination.k8s.io/v1 Lease': {
    1: METADATA,
    2: one('spec', {
      1: text('holderIdentity'),
      2: integer('leaseDurationSeconds'),
      3: time('acquireTime', 'microTime'),
      4: time('renewTime', 'microTime'),
      5: integer('leaseTransitions'),
      6: text('strategy'),
      7: text('preferredHolder'),
    }),
  },
  'authorization.k8s.io/v1 SelfSubjectAccessReview': { 1: METADATA, 2: one('spec', ATTRIBUTES) },
  'authorization.k8s.io/v1 SubjectAccessReview': ACCESS_REVIEW,
  'authorization.k8s.io/v1 LocalSubjectAccessReview': ACCESS_REVIEW,
  'authorization.k8s.io/v1 SelfSubjectRulesReview': { 1: METADATA, 2: one('spec', { 1: text('namespace') }) },
  'authentication.k8s.io/v1 SelfSubjectReview': { 1: METADATA },
  'authentication.k8s.io/v1 TokenReview': { 1: METADATA, 2: one('spec', { 1: text('token'), 2: texts('audiences') }) },
  DeleteOptions: DELETE_OPTIONS,
};
