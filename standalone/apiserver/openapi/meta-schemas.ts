/** Schemas of meta/v1 that those of every kind refer to. */

const PREFIX = 'io.k8s.apimachinery.pkg.apis.meta.v1';

export const metaName = (name: string): string => `${PREFIX}.${name}`;

export const refTo = (name: string): object => ({ $ref: `#/components/schemas/${name}` });

const text = (description: string): object => ({ description, type: 'string' });
const number = (description: string): object => ({ description, type: 'integer', format: 'int64' });
const flag = (description: string): object => ({ description, type: 'boolean' });
const time = (description: string): object => ({ description, allOf: [refTo(metaName('Time'))] });
const textMap = (description: string): object => ({
  description,
  type: 'object',
  additionalProperties: { type: 'string', default: '' },
});

export const META_SCHEMAS: Readonly<Record<string, object>> = {
  [metaName('ObjectMeta')]: {
    description: 'ObjectMeta is what every object has beside its own members.',
    type: 'object',
    properties: {
      annotations: textMap('Notes of programs, which nothing selects by.'),
      creationTimestamp: time('When the object was created. Set by the server.'),
      deletionGracePeriodSeconds: number('How long the object may take to go away, in seconds. Set by the server.'),
      deletionTimestamp: time('When the object was asked to go away. Set by the server.'),
      finalizers: {
        description: 'Who must agree before the object goes away.',
        type: 'array',
        items: { type: 'string', default: '' },
        'x-kubernetes-list-type': 'set',
        'x-kubernetes-patch-strategy': 'merge',
      },
      generateName: text('What the server makes a name of, when there is none.'),
      generation: number('The number of the newest wish. Set by the server.'),
      labels: textMap('Words that objects are selected by.'),
      managedFields: {
        description: 'Who wrote which fields. Not kept by this server.',
        type: 'array',
        items: { type: 'object' },
        'x-kubernetes-list-type': 'atomic',
      },
      name: text('The name, one of its kind in its namespace. It cannot be changed.'),
      namespace: text('The namespace. It cannot be changed.'),
      ownerReferences: {
        description: 'The objects that this one belongs to: when all are gone, it goes too.',
        type: 'array',
        items: { default: {}, allOf: [refTo(metaName('OwnerReference'))] },
        'x-kubernetes-list-map-keys': ['uid'],
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-patch-merge-key': 'uid',
        'x-kubernetes-patch-strategy': 'merge',
      },
      resourceVersion: text('The version of the object: equal or not equal, nothing else. Set by the server.'),
      selfLink: text('Not set any more.'),
      uid: text('What tells the object from others of its name before and after it. Set by the server.'),
    },
  },
  [metaName('OwnerReference')]: {
    description: 'OwnerReference names an object that another one belongs to.',
    type: 'object',
    required: ['apiVersion', 'kind', 'name', 'uid'],
    properties: {
      apiVersion: text('The version of the owner.'),
      blockOwnerDeletion: flag('Whether the owner, deleted in the foreground, waits for this object to go.'),
      controller: flag('Whether the owner controls the object; at most one does.'),
      kind: text('The kind of the owner.'),
      name: text('The name of the owner.'),
      uid: text('The uid of the owner.'),
    },
    'x-kubernetes-map-type': 'atomic',
  },
  [metaName('ListMeta')]: {
    description: 'ListMeta is what every list has beside its items.',
    type: 'object',
    properties: {
      continue: text('What to ask the next page with; empty on the last page.'),
      remainingItemCount: number('How many items come after this page, where that is known.'),
      resourceVersion: text('The version that the list is of.'),
      selfLink: text('Not set any more.'),
    },
  },
  [metaName('Time')]: { description: 'Time is a point in time, to the second.', type: 'string', format: 'date-time' },
  [metaName('Patch')]: { description: 'Patch is a change of an object.', type: 'object' },
  [metaName('DeleteOptions')]: {
    description: 'DeleteOptions say how to delete.',
    type: 'object',
    properties: {
      apiVersion: text('The version of the schema of this object.'),
      kind: text('The kind of this object.'),
      dryRun: { description: 'All: nothing is deleted.', type: 'array', items: { type: 'string', default: '' } },
      gracePeriodSeconds: number('How long the object may take to go away, in seconds.'),
      orphanDependents: flag('Deprecated: use propagationPolicy.'),
      preconditions: { description: 'What must hold.', allOf: [refTo(metaName('Preconditions'))] },
      propagationPolicy: text('What becomes of dependents: Orphan, Background or Foreground.'),
    },
  },
  [metaName('Preconditions')]: {
    description: 'Preconditions must hold, or nothing is done.',
    type: 'object',
    properties: {
      resourceVersion: text('The version that the object must have.'),
      uid: text('The uid that the object must have.'),
    },
  },
  [metaName('Status')]: {
    description: 'Status tells how a call went.',
    type: 'object',
    properties: {
      apiVersion: text('The version of the schema of this object.'),
      kind: text('The kind of this object.'),
      metadata: { description: 'Nothing.', allOf: [refTo(metaName('ListMeta'))] },
      code: { description: 'The HTTP status code.', type: 'integer', format: 'int32' },
      details: { description: 'What it is about.', type: 'object' },
      message: text('What happened, for a person to read.'),
      reason: text('Why, as one word.'),
      status: text('Success or Failure.'),
    },
  },
};
