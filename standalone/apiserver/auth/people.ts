import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../../kube/object.ts';
import { forbidden } from '../status-error.ts';
import type { Authorizer } from './authorizer.ts';
import { isPerson } from './roles.ts';
import type { User } from './user.ts';

const CREATED_BY = 'tiangong.io/created-by';
const APPROVED_BY = 'tiangong.io/approved-by';
const CLEANUP = 'tiangong.io/cleanup';
const RESOURCE = { group: 'tiangong.io', name: 'deploytasks' };

interface Task extends KubeObject {
  spec?: { approved?: boolean };
}

/** K8s tasks have an identity of their own; what they run, anybody who creates tasks can write. */
const TASKS = 'tiangong:tasks';

/**
 * What the policies of the chart do on a cluster: people who write tasks by the Kubernetes API are written down as their
 * creators, as k8s tasks are, and approve only what the API would let them. Changes `object`; throws 403. The API speaks for its callers.
 */
export function markTask(user: User, authorizer: Authorizer, object: Task, old: Task | undefined): void {
  const { namespace = '', name } = object.metadata;
  const approves = object.spec?.approved === true && old?.spec?.approved !== true;
  if (approves && user.name === TASKS) throw refuse(name, 'tasks may not approve tasks');
  if (!isPerson(user) && user.name !== TASKS) return;
  if (old === undefined) {
    setMark(object, CREATED_BY, user.name);
    setMark(object, APPROVED_BY, undefined);
    const { finalizers = [] } = object.metadata;
    if (!finalizers.includes(CLEANUP)) object.metadata = { ...object.metadata, finalizers: [...finalizers, CLEANUP] };
    return;
  }
  const creator = markOf(old, CREATED_BY);
  if (markOf(object, CREATED_BY) !== creator) throw refuse(name, `the annotation ${CREATED_BY} may not be changed`);
  const before = markOf(old, APPROVED_BY);
  if (!approves) {
    if (!isDeepStrictEqual(markOf(object, APPROVED_BY), before))
      throw refuse(name, `the annotation ${APPROVED_BY} is set with an approval, and may not be changed`);
    return;
  }
  const attributes = { verb: 'approve', ...{ group: RESOURCE.group, resource: RESOURCE.name, subresource: '' } };
  if (!authorizer.decide(user, { ...attributes, namespace, name, stored: () => old }).allowed)
    throw refuse(
      name,
      `${user.name} may not approve tasks: that needs the verb approve on deploytasks of group tiangong.io`,
    );
  if (creator?.toLowerCase() === user.name.toLowerCase()) throw refuse(name, 'nobody may approve a task of their own');
  setMark(object, APPROVED_BY, user.name);
}

const markOf = ({ metadata }: KubeObject, key: string): string | undefined => metadata.annotations?.[key];

/** Annotations may be shared with the stored object, which must stay as it is. */
function setMark(object: KubeObject, key: string, value: string | undefined): void {
  const { [key]: _before, ...others } = object.metadata.annotations ?? {};
  object.metadata = { ...object.metadata, annotations: value === undefined ? others : { ...others, [key]: value } };
}

const refuse = (name: string, why: string): Error => forbidden(RESOURCE, name, why);
