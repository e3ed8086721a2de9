import type { KubeObject } from '../../../kube/object.ts';
import type { Decision } from '../auth/authorizer.ts';
import type { User } from '../auth/user.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { json } from '../http/json-response.ts';
import { readObject } from '../http/request-body.ts';
import { badRequest, invalid } from '../status-error.ts';
import { keyOf } from '../storage/stored-object.ts';
import type { ApiContext } from './api-context.ts';
import { toSeconds } from './write-core.ts';

interface AccessReview extends KubeObject {
  spec?: {
    user?: string;
    groups?: string[];
    resourceAttributes?: {
      verb?: string;
      group?: string;
      version?: string;
      resource?: string;
      subresource?: string;
      namespace?: string;
      name?: string;
    };
    nonResourceAttributes?: { path?: string; verb?: string };
  };
}

/** Whom tokens are meant for: as a real server with its default service name. */
const AUDIENCE = 'https://kubernetes.default.svc';

/** POST of a review: a question about tokens or rights, which is answered and not kept. */
export function answerReview(context: ApiContext, call: ResourceCall): ApiResponse {
  const { definition } = call;
  const { kind } = definition;
  const object = readObject(call);
  const errors = definition.validate(object, undefined);
  // The real server's error names the group alone here.
  if (errors.length > 0) throw invalid({ group: definition.group, name: '' }, '', errors);
  const status =
    kind === 'TokenReview'
      ? tokenReview(context, object)
      : kind === 'SelfSubjectReview'
        ? { userInfo: userInfo(call.request.user) }
        : accessReview(context, object, call);
  const time = kind === 'SelfSubjectReview' ? { creationTimestamp: toSeconds(context.now()) } : {};
  return json(201, JSON.stringify({ ...object, metadata: { ...object.metadata, ...time }, status }));
}

function tokenReview({ authenticator }: ApiContext, object: KubeObject): object {
  const { spec } = object as { spec?: { token?: string; audiences?: string[] } };
  if (!spec?.token) throw badRequest('token is required for TokenReview in authentication');
  const user = authenticator.authenticate(spec.token);
  if (user === undefined) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfo(user), audiences: spec.audiences ?? [AUDIENCE] };
}

function userInfo({ name, groups }: User): object {
  return { username: name, groups };
}

function accessReview(context: ApiContext, object: AccessReview, call: ResourceCall): object {
  const { spec = {} } = object;
  const asked =
    call.definition.kind === 'SelfSubjectAccessReview'
      ? call.request.user
      : { name: spec.user ?? '', groups: spec.groups ?? [] };
  return { allowed: decide(context, asked, spec).allowed };
}

function decide(
  { authorizer, registry, store }: ApiContext,
  user: User,
  spec: NonNullable<AccessReview['spec']>,
): Decision {
  const attributes = spec.resourceAttributes;
  if (attributes === undefined) {
    return { allowed: authorizer.mayRead(user, spec.nonResourceAttributes?.path ?? '') };
  }
  const { verb = '', group = '', resource = '', subresource = '', namespace = '', name = '' } = attributes;
  return authorizer.decide(user, {
    verb,
    group,
    resource,
    subresource,
    namespace,
    name,
    stored: () => {
      const definition = registry.all.find((known) => known.group === group && known.plural === resource);
      return definition && store.latest(keyOf(definition.storedAs, namespace, name))?.object;
    },
  });
}
