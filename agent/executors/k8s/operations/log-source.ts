import { failureOf, K8sFailure } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { labelOf } from '../target.ts';
import type { ResourceKind, Target } from '../target.ts';
import { listObjects } from './list-objects.ts';
import type { Session } from './session.ts';

const PODS: ResourceKind = {
  group: '',
  version: 'v1',
  plural: 'pods',
  kind: 'Pod',
  namespaced: true,
  singular: 'pod',
  shortNames: ['po'],
};
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The pod whose log is meant: of a Deployment, Job, Service and the like a running one, the newest first. */
export async function podOf(session: Session, target: Target): Promise<Target> {
  if (target.kind.group === '' && target.kind.kind === 'Pod') return target;
  const object = await session.calls.get(target).catch((err: unknown) => {
    throw failureOf(err, 'get resource', target);
  });
  const labelSelector = selectorOf(object);
  if (labelSelector === undefined)
    throw new K8sFailure('InvalidParams', `${labelOf(target)} selects no pods; logs needs a pod or what has pods`);
  let best: JsonObject | undefined;
  let count = 0;
  try {
    for await (const pod of listObjects(session, PODS, target.namespace, { labelSelector })) {
      count += 1;
      if (best === undefined || isBetter(pod, best)) best = pod;
    }
  } catch (err) {
    throw failureOf(err, 'list pods');
  }
  if (best === undefined) throw new K8sFailure('NotFound', `resource not found: ${labelOf(target)} has no pods`);
  const name = String((best['metadata'] as JsonObject)['name']);
  if (count > 1) void session.context.output.log('info', `Found ${count} pods, using Pod/${name}`);
  return { kind: PODS, namespace: target.namespace, name };
}

/** The container that is asked for, the pod's default one, or its first. */
export async function containerOf({ calls, params }: Session, pod: Target): Promise<string> {
  if (params.container !== undefined) return params.container;
  const { metadata, spec } = await calls.get(pod).catch((err: unknown) => {
    throw failureOf(err, 'get resource', pod);
  });
  const annotations = isObject(metadata) && isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const containers = isObject(spec) && Array.isArray(spec['containers']) ? spec['containers'].filter(isObject) : [];
  const name = annotations[DEFAULT_CONTAINER] ?? containers[0]?.['name'];
  return typeof name === 'string' ? name : '';
}

function isBetter(pod: JsonObject, than: JsonObject): boolean {
  const isRunning = ({ status }: JsonObject): boolean => isObject(status) && status['phase'] === 'Running';
  const created = ({ metadata }: JsonObject): string =>
    isObject(metadata) ? String(metadata['creationTimestamp']) : '';
  if (isRunning(pod) !== isRunning(than)) return isRunning(pod);
  return created(pod) > created(than);
}

/** A selector of pods in the words of a query; undefined when the object has none. */
export function selectorOf({ spec }: JsonObject): string | undefined {
  const selector = isObject(spec) ? spec['selector'] : undefined;
  if (!isObject(selector)) return undefined;
  const { matchLabels, matchExpressions } = selector;
  // A Service's selector is the labels themselves.
  const isPlain = matchLabels === undefined && matchExpressions === undefined;
  const labels = isPlain ? selector : isObject(matchLabels) ? matchLabels : {};
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  for (const expression of Array.isArray(matchExpressions) ? matchExpressions.filter(isObject) : []) {
    const key = String(expression['key']);
    const values = Array.isArray(expression['values']) ? expression['values'].map(String).join(',') : '';
    if (expression['operator'] === 'Exists') parts.push(key);
    else if (expression['operator'] === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${expression['operator'] === 'NotIn' ? 'notin' : 'in'} (${values})`);
  }
  return parts.length === 0 ? undefined : parts.join(',');
}
