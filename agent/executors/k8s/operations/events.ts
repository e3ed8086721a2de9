import type { Outcome } from '../../executor.ts';
import { failureOf } from '../k8s-failure.ts';
import { ListResult } from './list-result.ts';
import { aboutObject, newestEvents } from './object-events.ts';
import type { Session } from './session.ts';
import { subjectOf } from './subject.ts';

const DEFAULT_LIMIT = 500;

/** Shows the newest events of a namespace, or those about one object, the newest last. */
export async function events(session: Session, text: string): Promise<Outcome> {
  const { context, params } = session;
  const isAboutOne = text.trim() !== '' || params.resource !== undefined;
  const subject = isAboutOne ? await subjectOf(session, text) : undefined;
  const selectors = [subject && aboutObject(subject), params.fieldSelector].filter(
    (selector) => selector !== undefined,
  );
  // Events about objects of the whole cluster are in the namespace default.
  const namespace = subject ? (subject.namespace ?? 'default') : (params.namespace ?? session.defaultNamespace);
  const where = params.allNamespaces && subject === undefined ? undefined : namespace;
  const selection = {
    ...(params.labelSelector !== undefined && { labelSelector: params.labelSelector }),
    ...(selectors.length > 0 && { fieldSelector: selectors.join(',') }),
  };
  const found = await newestEvents(session, where, selection, params.limit ?? DEFAULT_LIMIT).catch((err: unknown) => {
    throw failureOf(err, 'list events');
  });
  const result = new ListResult(context.output, params.output);
  for (const event of found) await result.add(event);
  await result.end();
  return { state: 'Succeeded', message: `${found.length} events` };
}
