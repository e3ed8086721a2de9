import type { KubeObject } from './object.ts';
import type { Resource } from './resource.ts';

/** An Event of the core group, which `kubectl describe` and `kubectl get events` show. */
export interface KubeEvent extends KubeObject {
  involvedObject: {
    apiVersion: string;
    kind: string;
    namespace?: string;
    name: string;
    uid?: string;
    resourceVersion?: string;
  };
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** How often it happened. */
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string; host?: string };
  reportingComponent: string;
  reportingInstance: string;
}

export const events: Resource<KubeEvent> = { group: '', version: 'v1', plural: 'events', kind: 'Event' };
