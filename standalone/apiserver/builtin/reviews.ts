import { invalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { badRequest } from '../status-error.ts';
import { isObject } from '../schema/json-schema.ts';
import type { JsonObject } from '../schema/json-schema.ts';
import { defineBuiltin } from './define-builtin.ts';
import { flag, kindOf, list, mapOf, struct, text } from './schema-parts.ts';
import type { BuiltinSchema } from './schema-parts.ts';

const USER = struct('Who it is.', 'UserInfo', {
  username: text('The name.'),
  uid: text('The uid.'),
  groups: list('The groups.', text('A group.')),
  extra: mapOf('What else is known.', list('Values.', text('A value.'))),
});

const RESOURCE = struct('What is to be done to which objects.', 'ResourceAttributes', {
  namespace: text('The namespace; empty for all.'),
  verb: text('The verb, such as get; * for all.'),
  group: text('The group of the resource; * for all.'),
  version: text('The version of the resource; * for all.'),
  resource: text('The resource, such as secrets; * for all.'),
  subresource: text('The subresource; empty for the object itself.'),
  name: text('The name of the object; empty for all.'),
  fieldSelector: {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    description: 'Limits a list by fields.',
  },
  labelSelector: {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    description: 'Limits a list by labels.',
  },
});

const PATH = struct('What is to be done to which path.', 'NonResourceAttributes', {
  path: text('The path.'),
  verb: text('The HTTP verb in lower case.'),
});

const ACCESS_STATUS = struct('Whether it is allowed.', 'SubjectAccessReviewStatus', {
  allowed: flag('Whether it is allowed.'),
  denied: flag('Whether it is forbidden whatever else allows it.'),
  reason: text('Why.'),
  evaluationError: text('What went wrong while finding out.'),
});

const spec = (goType: string, properties: Record<string, BuiltinSchema>): BuiltinSchema =>
  struct('The question.', goType, properties);

/** Exactly one of the two kinds of question is asked. */
function attributeErrors(object: JsonObject): FieldError[] {
  const asked = isObject(object['spec']) ? object['spec'] : {};
  const both = asked['resourceAttributes'] !== undefined && asked['nonResourceAttributes'] !== undefined;
  if (both)
    return [
      invalid(
        'spec.nonResourceAttributes',
        asked['nonResourceAttributes'],
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  if (asked['resourceAttributes'] !== undefined || asked['nonResourceAttributes'] !== undefined) return [];
  const text = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalid('spec.resourceAttributes', null, text)];
}

function subjectErrors(object: JsonObject): FieldError[] {
  const { user, groups } = (isObject(object['spec']) ? object['spec'] : {}) as { user?: string; groups?: string[] };
  const named = (user ?? '') !== '' || (groups ?? []).length > 0;
  return named ? [] : [invalid('spec.user', '', 'at least one of user or group must be specified')];
}

export const tokenReviewDefinition = defineBuiltin({
  group: 'authentication.k8s.io',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
  virtual: true,
  schema: kindOf('TokenReview asks whose token it is.', 'TokenReview', {
    spec: spec('TokenReviewSpec', {
      token: text('The token.'),
      audiences: list('Who the token must be meant for.', text('An audience.')),
    }),
    status: struct('The answer.', 'TokenReviewStatus', {
      authenticated: flag('Whether the token is known.'),
      user: USER,
      audiences: list('Who of those asked for the token is meant for.', text('An audience.')),
      error: text('Why the token was not accepted.'),
    }),
  }),
  validate: (object) => {
    const { token } = (isObject(object['spec']) ? object['spec'] : {}) as { token?: string };
    if ((token ?? '') === '') throw badRequest('token is required for TokenReview in authentication');
    return [];
  },
});

export const selfSubjectReviewDefinition = defineBuiltin({
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
  virtual: true,
  schema: kindOf('SelfSubjectReview asks who the caller is.', 'SelfSubjectReview', {
    status: struct('The answer.', 'SelfSubjectReviewStatus', { userInfo: USER }),
  }),
});

const accessReview = (
  kind: string,
  plural: string,
  namespaced: boolean,
  self: boolean,
): ReturnType<typeof defineBuiltin> =>
  defineBuiltin({
    group: 'authorization.k8s.io',
    kind,
    plural,
    namespaced,
    virtual: true,
    schema: kindOf(`${kind} asks whether something is allowed.`, kind, {
      spec: spec(`${kind}Spec`, {
        resourceAttributes: RESOURCE,
        nonResourceAttributes: PATH,
        ...(!self && {
          user: text('Who wants to.'),
          groups: list('The groups of who wants to.', text('A group.')),
          uid: text('The uid of who wants to.'),
          extra: mapOf('What else is known of who wants to.', list('Values.', text('A value.'))),
        }),
      }),
      status: ACCESS_STATUS,
    }),
    validate: (object) => [...attributeErrors(object), ...(self ? [] : subjectErrors(object))],
  });

export const subjectAccessReviewDefinition = accessReview('SubjectAccessReview', 'subjectaccessreviews', false, false);
export const localSubjectAccessReviewDefinition = accessReview(
  'LocalSubjectAccessReview',
  'localsubjectaccessreviews',
  true,
  false,
);
export const selfSubjectAccessReviewDefinition = accessReview(
  'SelfSubjectAccessReview',
  'selfsubjectaccessreviews',
  false,
  true,
);

const RULE = { verbs: list('The verbs.', text('A verb.')) };

export const selfSubjectRulesReviewDefinition = defineBuiltin({
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  namespaced: false,
  virtual: true,
  schema: kindOf('SelfSubjectRulesReview asks what the caller may do.', 'SelfSubjectRulesReview', {
    spec: spec('SelfSubjectRulesReviewSpec', { namespace: text('Where.') }),
    status: struct('The answer.', 'SubjectRulesReviewStatus', {
      resourceRules: list(
        'What may be done to objects.',
        struct('A rule.', 'ResourceRule', {
          ...RULE,
          apiGroups: list('The groups.', text('A group.')),
          resources: list('The resources.', text('A resource.')),
          resourceNames: list('The names; empty for all.', text('A name.')),
        }),
      ),
      nonResourceRules: list(
        'What may be done to paths.',
        struct('A rule.', 'NonResourceRule', { ...RULE, nonResourceURLs: list('The paths.', text('A path.')) }),
      ),
      incomplete: flag('Whether there may be more rules.'),
      evaluationError: text('What went wrong while finding out.'),
    }),
  }),
});
