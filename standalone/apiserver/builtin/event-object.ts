import type { KubeObject } from '../../../kube/object.ts';

/** What an Event is about (core/v1 ObjectReference). */
export interface EventReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  fieldPath?: string;
}

/** An Event as it is stored: in the form of core/v1. */
export interface CoreEvent extends KubeObject {
  involvedObject?: EventReference;
  reason?: string;
  message?: string;
  source?: { component?: string; host?: string };
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  count?: number;
  type?: string;
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
  action?: string;
  related?: EventReference;
  reportingComponent?: string;
  reportingInstance?: string;
}

/** The members that core/v1 and events.k8s.io/v1 call by different names. */
const NAMES = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
] as const;

const renamed = (object: KubeObject, apiVersion: string, from: 0 | 1, to: 0 | 1): KubeObject => {
  const names = new Map<string, string>(NAMES.map((pair) => [pair[from], pair[to]]));
  const members = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value as unknown]);
  return { ...(Object.fromEntries(members) as KubeObject), apiVersion };
};

/** An Event of events.k8s.io/v1 as core/v1 has it. The object is left as it is. */
export const toCoreEvent = (object: KubeObject): KubeObject => renamed(object, 'v1', 1, 0);

/** An Event of core/v1 as events.k8s.io/v1 has it. The object is left as it is. */
export function fromCoreEvent(object: KubeObject): KubeObject {
  const event = renamed(object, 'events.k8s.io/v1', 0, 1) as KubeObject & Record<string, unknown>;
  // Members that are left out when empty there, but not in core/v1.
  for (const name of ['reportingController', 'reportingInstance']) if (event[name] === '') delete event[name];
  return event;
}
