import type { KubeObject } from '../../../kube/object.ts';
import type { Decision } from '../auth/authorizer.ts';
import type { User } from '../auth/user.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { json } from '../http/json-response.ts';
import { readObject } from '../http/request-body.ts';
import { keyOf } from '../storage/stored-object.ts';
import type { ApiContext } from './api-context.ts';

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

/** POST of a review: a question about tokens or rights, which is answered and not kept. */
export function answerReview(context: ApiContext, call: ResourceCall): ApiResponse {
  const object = readObject(call);
  const { kind } = call.definition;
  const status =
    kind === 'TokenReview'
      ? tokenReview(context, object)
      : kind === 'SelfSubjectReview'
        ? { userInfo: userInfo(call.request.user) }
        : accessReview(context, object, call);
  const metadata = { creationTimestamp: null, ...object.metadata };
  return json(201, JSON.stringify({ ...object, metadata, status }));
}

function tokenReview({ authenticator }: ApiContext, object: KubeObject): object {
  const { spec } = object as { spec?: { token?: string; audiences?: string[] } };
  const user = authenticator.authenticate(spec?.token ?? '');
  if (user === undefined) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: userInfo(user), ...(spec?.audiences && { audiences: spec.audiences }) };
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
  const { allowed } = decide(context, asked, spec);
  return allowed ? { allowed, reason: 'allowed by a role of the embedded server' } : { allowed };
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
