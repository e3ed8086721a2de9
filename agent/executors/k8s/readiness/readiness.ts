import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { conditionOf, numberOf, shown } from './status-fields.ts';
import { broken, READY, waiting } from './verdict.ts';
import type { Readiness } from './verdict.ts';
import { workloadReadiness } from './workload-readiness.ts';

/** Whether an object is ready, by the rules of its kind, as kubectl's `rollout status` and `wait` have them. */
export function readinessOf(object: JsonObject): Readiness {
  const { apiVersion, kind, metadata } = object;
  if (isObject(metadata) && metadata['deletionTimestamp'] !== undefined) return broken('it is being deleted');
  const group = String(apiVersion).includes('/') ? String(apiVersion).split('/')[0] : '';
  const status = isObject(object['status']) ? object['status'] : {};
  switch (`${group}/${String(kind)}`) {
    case 'apps/Deployment':
    case 'apps/StatefulSet':
    case 'apps/DaemonSet':
      return workloadReadiness(object);
    case 'batch/Job':
      return jobReadiness(object);
    case '/Pod':
      return podReadiness(object);
    case '/PersistentVolumeClaim':
      if (status['phase'] === 'Lost') return broken('the volume is lost');
      return status['phase'] === 'Bound' ? READY : waiting(`phase is ${shown(status['phase'])}, not Bound`);
    case '/Namespace':
      return status['phase'] === 'Active' ? READY : waiting(`phase is ${shown(status['phase'])}, not Active`);
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      return crdReadiness(object);
    case 'apiregistration.k8s.io/APIService':
      return byCondition(object, 'Available');
    default:
      return genericReadiness(object);
  }
}

function jobReadiness(object: JsonObject): Readiness {
  const failure = conditionOf(object, 'Failed') ?? conditionOf(object, 'FailureTarget');
  if (failure?.status === 'True') return broken(`the job failed: ${shown(failure.message ?? failure.reason)}`);
  if (conditionOf(object, 'Complete')?.status === 'True') return READY;
  const status = isObject(object['status']) ? object['status'] : {};
  const spec = isObject(object['spec']) ? object['spec'] : {};
  if (spec['suspend'] === true) return waiting('the job is suspended');
  return waiting(`${numberOf(status['succeeded'])} of ${numberOf(spec['completions'], 1)} completions`);
}

function podReadiness(object: JsonObject): Readiness {
  const status = isObject(object['status']) ? object['status'] : {};
  if (status['phase'] === 'Succeeded') return READY;
  if (status['phase'] === 'Failed')
    return broken(`the pod failed: ${shown(status['message'] ?? status['reason'] ?? 'phase is Failed')}`);
  return byCondition(object, 'Ready');
}

function crdReadiness(object: JsonObject): Readiness {
  const names = conditionOf(object, 'NamesAccepted');
  if (names?.status === 'False') return broken(`its names were refused: ${shown(names.message)}`);
  return byCondition(object, 'Established');
}

/** Kinds that are not known here: kstatus' rules. Without conditions there is nothing to wait for. */
function genericReadiness(object: JsonObject): Readiness {
  const { metadata, status } = object;
  if (!isObject(status)) return READY;
  const generation = isObject(metadata) ? metadata['generation'] : undefined;
  const observed = status['observedGeneration'];
  if (typeof generation === 'number' && typeof observed === 'number' && observed < generation)
    return waiting('its controller has not seen the latest version yet');
  const stalled = conditionOf(object, 'Stalled');
  if (stalled?.status === 'True') return broken(`it is stalled: ${shown(stalled.message ?? stalled.reason)}`);
  const reconciling = conditionOf(object, 'Reconciling');
  if (reconciling?.status === 'True') return waiting(shown(reconciling.message ?? reconciling.reason));
  return conditionOf(object, 'Ready') === undefined ? READY : byCondition(object, 'Ready');
}

function byCondition(object: JsonObject, type: string): Readiness {
  const condition = conditionOf(object, type);
  if (condition?.status === 'True') return READY;
  const why = condition?.message ?? condition?.reason;
  return waiting(`condition ${type} is ${shown(condition?.status)}${why === undefined ? '' : `: ${shown(why)}`}`);
}
