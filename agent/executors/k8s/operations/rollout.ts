import type { Outcome } from '../../executor.ts';
import { failureOf, K8sFailure } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { readinessOf } from '../readiness/readiness.ts';
import { waitReady } from '../readiness/wait-ready.ts';
import { labelOf, placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import { ResultParts } from './result-parts.ts';
import { undo } from './rollout-undo.ts';
import type { Session } from './session.ts';
import { subjectOf } from './subject.ts';

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'];
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** Watches or steers how a workload is rolled out, as `kubectl rollout` does. */
export async function rollout(session: Session, text: string): Promise<Outcome> {
  const { context, params } = session;
  const subject = await subjectOf(session, text);
  const { group, kind } = subject.kind;
  const { action } = params;
  const kinds = action === 'pause' || action === 'resume' ? KINDS.slice(0, 1) : KINDS;
  if (group !== 'apps' || !kinds.includes(kind))
    throw new K8sFailure('InvalidParams', `rollout ${action} is for ${kinds.join(', ')}, not for ${kind}`);
  if (action === 'status') return status(session, subject);
  void context.output.log('info', `Rollout ${action} of ${placeOf(subject)}`);
  context.evidence(`rollout ${action} of ${placeOf(subject)}`);
  let object: JsonObject;
  try {
    object = await act(session, subject);
  } catch (err) {
    throw failureOf(err, `${action} the rollout`, subject);
  }
  if (params.wait === true && !params.dryRun) object = await waitReady(session, subject);
  await new ResultParts(context.output).object(object);
  return { state: 'Succeeded', message: `rollout ${action} of ${labelOf(subject)}` };
}

/** Waits until everything is rolled out unless `wait` is false, as kubectl does. */
async function status(session: Session, subject: Target): Promise<Outcome> {
  const { context, params, calls } = session;
  let text = `${labelOf(subject)} is rolled out`;
  if (params.wait === false) {
    const object = await calls.get(subject).catch((err: unknown) => {
      throw failureOf(err, 'get resource', subject);
    });
    const { state, message } = readinessOf(object);
    if (state !== 'ready') text = `${labelOf(subject)} is not rolled out: ${message}`;
  } else {
    await waitReady(session, subject);
  }
  await new ResultParts(context.output).text(text);
  return { state: 'Succeeded', message: text };
}

async function act(session: Session, subject: Target): Promise<JsonObject> {
  const { calls, params, context } = session;
  const { action } = params;
  const live = await calls.get(subject);
  const isPaused = isObject(live['spec']) && live['spec']['paused'] === true;
  if (action === 'pause' || action === 'resume') {
    if (isPaused !== (action === 'pause')) return merge(session, subject, { spec: { paused: action === 'pause' } });
    void context.output.log('info', `${labelOf(subject)} is ${isPaused ? 'paused' : 'not paused'} already`);
    return live;
  }
  if (isPaused)
    throw new K8sFailure(
      'Paused',
      `cannot ${action} the rollout of ${labelOf(subject)}: it is paused; resume it first`,
    );
  if (action === 'undo') return undo(session, subject, live);
  const annotations = { [RESTARTED_AT]: new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
  return merge(session, subject, { spec: { template: { metadata: { annotations } } } });
}

async function merge({ calls }: Session, subject: Target, patch: JsonObject): Promise<JsonObject> {
  return (await calls.patch(subject, 'application/merge-patch+json', patch)).object;
}
