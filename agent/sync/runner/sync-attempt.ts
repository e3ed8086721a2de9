import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isNotFound } from '../../../kube/kube-error.ts';
import { syncPushers, syncSources } from '../../../kube/resource.ts';
import type { KubeObject } from '../../../kube/object.ts';
import type { Resource } from '../../../kube/resource.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import { withTimeout } from '../../../kube/with-timeout.ts';
import type { Credential } from '../../executors/executor.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import type { PipelineEnd } from '../pipeline/pipeline-report.ts';
import type { SourceConfig, SourceDriver } from '../source.ts';
import type { SyncAssignment } from './assignment.ts';
import { RunFailure } from './run-failure.ts';
import { idOf, pusherConfigOf, sourceConfigOf } from './run-configuration.ts';
import type { RunConfiguration } from './run-configuration.ts';
import { earlierReport } from './sync-status.ts';
import type { SyncTools } from './sync-tools.ts';

const CALL_TIMEOUT_MS = 10_000;

/** Reads what the SyncTask names, from the API server itself. Rejects with a `RunFailure` when it is not there. */
export async function readConfiguration(
  tools: SyncTools,
  sync: SyncTask,
  signal: AbortSignal,
): Promise<RunConfiguration> {
  const { namespace } = sync.metadata;
  const { source, pusher } = sync.spec;
  const read = <T extends KubeObject>(resource: Resource<T>, name: string): Promise<T> =>
    orMissing(`${resource.kind} ${name}`, (call) => tools.client.get(resource, namespace, name, call), signal);
  const [sourceObject, pusherObject] = await Promise.all([read(syncSources, source), read(syncPushers, pusher)]);
  return { sync, source: sourceObject, pusher: pusherObject };
}

async function orMissing<T>(what: string, read: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await withTimeout(read, CALL_TIMEOUT_MS, signal);
  } catch (err) {
    if (isNotFound(err)) throw new RunFailure('ConfigurationMissing', `${what} does not exist`, true);
    throw err;
  }
}

/** The driver of a source, and what it is opened with. Rejects when there is no such driver or no such login. */
export async function sourceOf(
  tools: SyncTools,
  assignment: SyncAssignment,
  { source }: Pick<RunConfiguration, 'source'>,
  signal: AbortSignal,
): Promise<{ driver: SourceDriver; config: SourceConfig; folder: string; signature: string }> {
  const driver = tools.sourceDrivers.get(source.spec.driver);
  if (driver === undefined)
    throw new RunFailure('ConfigurationInvalid', `there is no source driver ${source.spec.driver}`, false);
  const config = sourceConfigOf(source, await login(tools, assignment, source.spec.secret_ref, signal));
  const signature = driver.signature(config, assignment.uid);
  return { driver, config, signature, folder: stateFolderOf(tools.stateFolder, signature) };
}

/** Sources of one signature share a folder, as they share a bus. */
function stateFolderOf(folder: string, signature: string): string {
  return join(folder, createHash('sha256').update(signature).digest('hex').slice(0, 32));
}

export interface AttemptEvents {
  /** There is a pipeline now; it tells of itself. */
  onPipeline(pipeline: Pipeline): void;
  /** Something that is to be seen at once has changed. */
  onChange(): void;
  mayOpenSession(signal: AbortSignal): Promise<boolean>;
}

/** Makes a pipeline of what was read, and runs it. Rejects when it cannot be made. */
export async function runPipeline(
  tools: SyncTools,
  assignment: SyncAssignment,
  configuration: RunConfiguration,
  events: AttemptEvents,
  signal: AbortSignal,
): Promise<PipelineEnd> {
  const { sync, pusher: pusherObject } = configuration;
  const syncId = idOf(sync);
  const logger = tools.logger.child({ component: `fustor_agent.sync.${syncId}` });
  const pusherDriver = tools.pusherDrivers.get(pusherObject.spec.driver);
  if (pusherDriver === undefined)
    throw new RunFailure('ConfigurationInvalid', `there is no pusher driver ${pusherObject.spec.driver}`, false);
  const { driver, config: sourceConfig, signature, folder } = await sourceOf(tools, assignment, configuration, signal);
  const pusherConfig = pusherConfigOf(
    pusherObject,
    await login(tools, assignment, pusherObject.spec.secret_ref, signal),
  );
  await using cleanup = new AsyncDisposableStack();
  const pusher = pusherDriver.open(pusherConfig, { logger });
  cleanup.defer(() => pusher.close());
  const hold = await tools.sources.hold(signature, sourceConfig, () =>
    driver.open(sourceConfig, { logger, stateFolder: folder, mayRead: tools.mayRead, taskUid: assignment.uid }),
  );
  cleanup.defer(() => hold.release());
  const pipeline = new Pipeline({
    syncId,
    taskId: `${assignment.uid}:${syncId}`,
    fieldsMapping: sync.spec.fields_mapping ?? [],
    onPositionLost: sync.spec.onPositionLost ?? 'Snapshot',
    source: hold.source,
    sourceConfig,
    subscribe: (options, bounded) => hold.subscribe(options, bounded),
    pusher,
    pusherConfig,
    earlier: earlierReport(sync),
    mayOpenSession: (bounded) => events.mayOpenSession(bounded),
    logger,
  });
  pipeline.onChange(() => events.onChange());
  events.onPipeline(pipeline);
  return await pipeline.run(signal);
}

async function login(
  tools: SyncTools,
  assignment: SyncAssignment,
  ref: string | undefined,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  return ref === undefined ? undefined : await tools.credential(assignment, ref, signal);
}
