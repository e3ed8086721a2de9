import type { Outcome } from '../../executor.ts';
import { failureOf } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import { asJson, asYaml, presentable } from '../show-object.ts';
import { labelOf, placeOf } from '../target.ts';
import { aboutObject, newestEvents } from './object-events.ts';
import type { Session } from './session.ts';
import { subjectOf } from './subject.ts';

const DEFAULT_LIMIT = 100;

/** Shows an object with the newest events about it. */
export async function describe(session: Session, text: string): Promise<Outcome> {
  const { calls, context, params } = session;
  const subject = await subjectOf(session, text);
  void context.output.log('info', `Describing ${placeOf(subject)}`);
  const resource = await calls.get(subject).catch((err: unknown) => {
    throw failureOf(err, 'describe resource', subject);
  });
  const uid = isObject(resource['metadata']) ? resource['metadata']['uid'] : undefined;
  const selection = { fieldSelector: aboutObject(subject, uid) };
  const limit = params.limit ?? DEFAULT_LIMIT;
  const events = await newestEvents(session, subject.namespace ?? 'default', selection, limit).catch((err: unknown) => {
    throw failureOf(err, 'list events');
  });
  const description = { resource: presentable(resource), events: events.map(presentable) };
  await context.output.write(Buffer.from((params.output === 'yaml' ? asYaml : asJson)(description)));
  return { state: 'Succeeded', message: `${labelOf(subject)} with ${events.length} events` };
}
