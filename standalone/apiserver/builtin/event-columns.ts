import type { KubeObject } from '../../../kube/object.ts';
import type { PrinterColumn } from '../resource-definition.ts';
import { ageText } from './define-builtin.ts';
import type { CoreEvent } from './event-object.ts';

const firstSeen = (event: CoreEvent): string | undefined => event.firstTimestamp ?? event.eventTime ?? undefined;

function lastSeen(event: CoreEvent): string | undefined {
  return event.series?.lastObservedTime ?? event.lastTimestamp ?? firstSeen(event);
}

function sourceOf({ source, reportingComponent, reportingInstance }: CoreEvent): string {
  const component = source?.component ?? '';
  const host = source?.host ?? '';
  if (component !== '' || host !== '') return host === '' ? component : `${component}, ${host}`;
  const instance = reportingInstance ?? '';
  return instance === '' ? (reportingComponent ?? '') : `${reportingComponent ?? ''}, ${instance}`;
}

function objectOf({ involvedObject }: CoreEvent): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase();
  const name = involvedObject?.name ?? '';
  return name === '' ? kind : `${kind}/${name}`;
}

/** The columns of `kubectl get events`; `read` turns an object into the form of core/v1. */
export function eventColumns(read: (object: KubeObject) => KubeObject): PrinterColumn[] {
  const column = (
    name: string,
    description: string,
    priority: number,
    cell: (event: CoreEvent, now: Date) => string | number,
  ): PrinterColumn => ({
    name,
    type: 'string',
    description,
    priority,
    cell: (object, now) => cell(read(object), now),
  });
  return [
    column('Last Seen', 'When the event was last recorded.', 0, (event, now) => ageText(lastSeen(event), now)),
    column('Type', 'Normal or Warning.', 0, ({ type }) => type ?? ''),
    column('Reason', 'Why, as one word.', 0, ({ reason }) => reason ?? ''),
    column('Object', 'What the event is about.', 0, objectOf),
    column('Subobject', 'The part of the object.', 1, ({ involvedObject }) => involvedObject?.fieldPath ?? ''),
    column('Source', 'Who recorded the event.', 1, sourceOf),
    column('Message', 'What happened, for a person to read.', 0, ({ message }) => (message ?? '').trim()),
    column('First Seen', 'When the event was first recorded.', 1, (event, now) => ageText(firstSeen(event), now)),
    column(
      'Count',
      'How often it was recorded.',
      1,
      ({ series, count }) => series?.count ?? (count === undefined || count === 0 ? 1 : count),
    ),
    { ...column('Name', 'The name of the event.', 1, ({ metadata }) => metadata.name), format: 'name' },
  ];
}
