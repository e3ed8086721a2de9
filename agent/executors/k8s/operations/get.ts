import type { Outcome } from '../../executor.ts';
import { failureOf } from '../k8s-failure.ts';
import { asJson, asYaml, presentable } from '../show-object.ts';
import { labelOf, placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import { listObjects } from './list-objects.ts';
import { ListResult } from './list-result.ts';
import type { Session } from './session.ts';
import { subjectsOf } from './subject.ts';

/** Shows objects by name, or all of a kind that the selectors match. */
export async function get(session: Session, text: string): Promise<Outcome> {
  const { context, params, calls } = session;
  const subjects = await subjectsOf(session, text);
  let shown = '';
  for (const [index, subject] of subjects.entries()) {
    if (index > 0) await context.output.write(Buffer.from(params.output === 'yaml' ? '---\n' : '\n\n'));
    if (subject.name === '') shown = await list(session, subject);
    else {
      void context.output.log('info', `Getting ${placeOf(subject)}`);
      const object = await calls.get(subject).catch((err: unknown) => {
        throw failureOf(err, 'get resource', subject);
      });
      await context.output.write(Buffer.from((params.output === 'yaml' ? asYaml : asJson)(presentable(object))));
      shown = labelOf(subject);
    }
  }
  return { state: 'Succeeded', message: subjects.length === 1 ? shown : `${subjects.length} resources` };
}

async function list(session: Session, { kind, namespace }: Target): Promise<string> {
  const { context, params } = session;
  const where = params.allNamespaces ? undefined : namespace;
  const place = where === undefined ? '' : ` in namespace ${where}`;
  void context.output.log('info', `Listing ${kind.plural}${place}`);
  const result = new ListResult(context.output, params.output);
  try {
    for await (const object of listObjects(session, kind, where, params)) {
      if (result.count === params.limit) {
        void context.output.log('warn', `There are more than ${result.count}; params.limit leaves the others out`);
        break;
      }
      await result.add(object);
    }
  } catch (err) {
    throw failureOf(err, `list ${kind.plural}`);
  }
  await result.end();
  return `${result.count} ${kind.plural}${place}`;
}
