import { failureOf, K8sFailure } from '../k8s-failure.ts';
import { readManifests } from '../manifest/read-manifests.ts';
import type { Target } from '../target.ts';
import { targetOf } from './session.ts';
import type { Session } from './session.ts';

/** `Kind`, `Kind/Name`, also by plural and short name, with a group behind a dot. */
const REFERENCE = /^([A-Za-z][A-Za-z0-9.-]*)(?:\/([^\s/]+))?$/;

/** Whether the object is named by `Kind/Name` or by parameters, and not by a manifest. */
export function isReference({ params }: Pick<Session, 'params'>, text: string): boolean {
  const command = text.trim();
  return command === '' ? params.resource !== undefined : REFERENCE.test(command);
}

/**
 * What a reading operation is about: the command's `Kind/Name`, its manifests, or the parameters `resource` and `name`.
 * Without a name all objects of the kind are meant. Throws `K8sFailure`.
 */
export async function subjectsOf(session: Session, text: string): Promise<Target[]> {
  const { params, discovery, context } = session;
  const command = text.trim();
  const written = command === '' ? (params.resource ?? '') : command;
  const reference = REFERENCE.exec(written);
  try {
    if (reference !== null) {
      const [, kindName = '', name = params.name ?? ''] = reference;
      const kind = await discovery.byName(kindName, params.apiVersion, context.signal);
      return [targetOf(session, kind, { name, namespace: undefined })];
    }
    if (written === '')
      throw new K8sFailure(
        'InvalidParams',
        `${params.operation} needs an object: Kind/Name as command, or params.resource and params.name`,
      );
    const targets: Target[] = [];
    for (const manifest of readManifests(written)) {
      const kind = await discovery.byApiVersion(manifest.apiVersion, manifest.kind, context.signal);
      targets.push(targetOf(session, kind, manifest));
    }
    return targets;
  } catch (err) {
    throw failureOf(err, 'read the kinds of the API server');
  }
}

/** As `subjectsOf`, for operations about one object. */
export async function subjectOf(session: Session, text: string): Promise<Target> {
  const [first, ...others] = await subjectsOf(session, text);
  if (first === undefined || others.length > 0)
    throw new K8sFailure('InvalidParams', `${session.params.operation} is about one object; send one task for each`);
  if (first.name === '') throw new K8sFailure('InvalidParams', 'resource name is required');
  return first;
}
