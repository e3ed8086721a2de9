import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { conditionOf, numberOf } from './status-fields.ts';
import { broken, READY, waiting } from './verdict.ts';
import type { Readiness } from './verdict.ts';

const part = (object: JsonObject, key: string): JsonObject => (isObject(object[key]) ? object[key] : {});

/** Whether a Deployment, StatefulSet or DaemonSet is rolled out, as `kubectl rollout status` decides it. */
export function workloadReadiness(object: JsonObject): Readiness {
  const generation = numberOf(part(object, 'metadata')['generation']);
  const status = part(object, 'status');
  // Before all else: where no controller looks at it, it would be waited for without end.
  if (object['kind'] === 'Deployment' && part(object, 'spec')['paused'] === true)
    return broken('it is paused: resume it first', 'Paused');
  if (numberOf(status['observedGeneration']) < generation)
    return waiting('its controller has not seen the latest version yet');
  switch (object['kind']) {
    case 'Deployment':
      return deployment(object, status);
    case 'StatefulSet':
      return statefulSet(object, status);
    default:
      return daemonSet(object, status);
  }
}

function deployment(object: JsonObject, status: JsonObject): Readiness {
  const progressing = conditionOf(object, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return broken('it exceeded its progress deadline');
  const spec = part(object, 'spec');
  const wanted = numberOf(spec['replicas'], 1);
  const replicas = numberOf(status['replicas']);
  const updated = numberOf(status['updatedReplicas']);
  const available = numberOf(status['availableReplicas']);
  if (updated < wanted) return waiting(`${updated} of ${wanted} new replicas have been updated`);
  if (replicas > updated) return waiting(`${replicas - updated} old replicas are pending termination`);
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available`);
  return READY;
}

function statefulSet(object: JsonObject, status: JsonObject): Readiness {
  const spec = part(object, 'spec');
  const strategy = part(spec, 'updateStrategy');
  const wanted = numberOf(spec['replicas'], 1);
  const ready = numberOf(status['readyReplicas']);
  if (ready < wanted) return waiting(`${ready} of ${wanted} pods are ready`);
  // Pods are replaced when somebody deletes them: nothing to wait for.
  if (strategy['type'] === 'OnDelete') return READY;
  const partition = numberOf(part(strategy, 'rollingUpdate')['partition']);
  const updated = numberOf(status['updatedReplicas']);
  if (partition > 0)
    return updated < wanted - partition
      ? waiting(`${updated} of ${wanted - partition} new pods have been updated`)
      : READY;
  if (status['updateRevision'] !== status['currentRevision']) return waiting(`${updated} pods are at the new revision`);
  return READY;
}

function daemonSet(object: JsonObject, status: JsonObject): Readiness {
  const strategy = part(part(object, 'spec'), 'updateStrategy');
  const wanted = numberOf(status['desiredNumberScheduled']);
  const updated = numberOf(status['updatedNumberScheduled']);
  const available = numberOf(status['numberAvailable']);
  if (strategy['type'] !== 'OnDelete' && updated < wanted)
    return waiting(`${updated} of ${wanted} new pods have been updated`);
  if (available < wanted) return waiting(`${available} of ${wanted} pods are available`);
  return READY;
}
