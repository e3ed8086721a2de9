import type { KubeObject } from '../../../kube/object.ts';
import type { Attributes, Decision } from './authorizer.ts';

const READS: readonly string[] = ['get', 'list', 'watch'];
const REFUSED: Decision = { allowed: false };
const OWN_GROUP = 'tiangong.io';
/** What the API keeps for tasks that name it in `secret_ref`; agents get it from the API alone (design.md §3). */
const CREDENTIAL = 'tiangong.io/credential';

/**
 * What k8s tasks may do, which have an identity of their own: everything, but for what would let a task speak as another
 * part of the product or read what others entrusted to it.
 */
export function taskRights({ verb, group, resource, subresource, name, stored }: Attributes): Decision {
  const isRead = READS.includes(verb);
  const what = `${group}/${resource}`;
  // Else whoever has a task run could have it approve another.
  if (verb === 'approve') return REFUSED;
  // The states of tasks and agents are the operator's and the agents' word.
  if (group === OWN_GROUP && subresource !== '' && !isRead) return REFUSED;
  // Who holds a Lease is alive, or leads.
  if (what === 'coordination.k8s.io/leases' && !isRead) return REFUSED;
  if (what === 'apiextensions.k8s.io/customresourcedefinitions' && !isRead)
    return { allowed: verb !== 'deletecollection' && !name.endsWith(`.${OWN_GROUP}`) };
  if (what !== '/secrets' || verb === 'create') return { allowed: true };
  if (name !== '' && !['list', 'watch'].includes(verb)) return { allowed: typeOf(stored()) !== CREDENTIAL };
  return { allowed: true, onlyFields: `type!=${CREDENTIAL}` };
}

const typeOf = (object: KubeObject | undefined): string | undefined => (object as { type?: string } | undefined)?.type;
