import { invalid, required } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { deepEqual } from '../schema/correlation.ts';
import { dnsSubdomainErrors, qualifiedNameErrors } from '../schema/names.ts';
import { validateMetadata, validateMetadataUpdate } from '../schema/object-meta-validation.ts';
import type { CoreEvent } from './event-object.ts';

/** How long the words of an event may be, in bytes. */
const LIMITS = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

const FROZEN = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingComponent',
  'reportingInstance',
] as const;

const SYSTEM_NAMESPACES = ['default', 'kube-system'];

function checkLength(event: CoreEvent, name: keyof typeof LIMITS): FieldError[] {
  return Buffer.byteLength(event[name] ?? '') > LIMITS[name]
    ? [invalid(name, '', `can have at most ${LIMITS[name]} characters`)]
    : [];
}

/** What both versions ask for. `controller` is what the version calls the reporting component. */
export function validateEvent(event: CoreEvent, controller: string): FieldError[] {
  const namespace = event.metadata.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  const isNew = (event.eventTime ?? '') !== '';
  const mayDiffer = SYSTEM_NAMESPACES.slice(0, isNew ? 2 : 1).includes(namespace);
  const matches = about === '' ? mayDiffer : isNew || about === namespace;
  const errors = matches ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
  if (isNew) errors.push(...newEventErrors(event, controller));
  for (const message of dnsSubdomainErrors(namespace)) errors.push(invalid('namespace', namespace, message));
  return errors;
}

function newEventErrors(event: CoreEvent, controller: string): FieldError[] {
  const component = event.reportingComponent ?? '';
  const absent = (name: 'reportingInstance' | 'action' | 'reason'): FieldError[] =>
    (event[name] ?? '') === '' ? [required(name)] : checkLength(event, name);
  return [
    ...(component === '' ? [required(controller)] : []),
    ...qualifiedNameErrors(component).map((message) => invalid(controller, component, message)),
    ...absent('reportingInstance'),
    ...absent('action'),
    ...absent('reason'),
    ...checkLength(event, 'message'),
  ];
}

function seriesErrors({ series }: CoreEvent): FieldError[] {
  if (series === undefined) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime === undefined ? [required('series.lastObservedTime')] : []),
  ];
}

/** What only events.k8s.io/v1 asks for. Both are in the form of core/v1. */
export function validateStrictly(event: CoreEvent, old: CoreEvent | undefined): FieldError[] {
  if (old !== undefined)
    return [
      ...validateMetadataUpdate(event, old),
      ...(deepEqual(event.series, old.series) ? [] : seriesErrors(event)),
      ...FROZEN.filter((name) => !deepEqual(event[name] ?? null, old[name] ?? null)).map((name) =>
        invalid(name, event[name] ?? null, 'field is immutable'),
      ),
    ];
  const errors = [...validateMetadata(event, true, (name) => dnsSubdomainErrors(name)), ...seriesErrors(event)];
  if ((event.eventTime ?? '') === '') errors.push(required('eventTime'));
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.push(invalid('type', '', `has invalid value: ${event.type ?? ''}`));
  for (const name of ['firstTimestamp', 'lastTimestamp', 'count', 'source'] as const) {
    const value = event[name];
    const isUnset = value === undefined || value === null || value === 0 || deepEqual(value, {});
    if (!isUnset) errors.push(invalid(name, '', 'needs to be unset'));
  }
  return errors;
}
