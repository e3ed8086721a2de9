import type { JsonObject, JsonSchema } from '../schema/json-schema.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { defineBuiltin } from './define-builtin.ts';
import { eventColumns } from './event-columns.ts';
import { fromCoreEvent, toCoreEvent } from './event-object.ts';
import type { CoreEvent } from './event-object.ts';
import { validateEvent, validateStrictly } from './event-validation.ts';
import { int32, kindOf, microTime, objectReference, struct, text, time } from './schema-parts.ts';
import type { BuiltinSchema } from './schema-parts.ts';

const OPEN_TIME = { nullable: true } as const;
const nullable = (schema: BuiltinSchema): JsonSchema => ({ ...schema, ...OPEN_TIME });

const ABOUT = objectReference('What the event is about.');
const SOURCE = struct('Who recorded the event.', 'EventSource', {
  component: text('The program.'),
  host: text('The host of the program.'),
});
const SHARED = {
  reason: text('Why, as one word.'),
  type: text('Normal or Warning.'),
  eventTime: nullable(microTime('When the event happened.')),
  series: struct('How often the event happened.', 'EventSeries', {
    count: int32('How often.'),
    lastObservedTime: microTime('When it last happened.'),
  }),
  action: text('What was done or failed.'),
  related: objectReference('Another object that the event has to do with.'),
  reportingInstance: text('The id of the program that recorded the event.'),
};

const SELECTABLE = 'kind namespace name uid apiVersion resourceVersion fieldPath'
  .split(' ')
  .map((name) => `involvedObject.${name}`);

export const coreEventDefinition = defineBuiltin({
  group: '',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  selectableFields: [...SELECTABLE, 'reason', 'reportingComponent', 'source', 'type'],
  columns: eventColumns((object) => object),
  skipMetadata: true,
  schema: kindOf('Event tells of something that happened to an object.', 'Event', {
    involvedObject: ABOUT,
    message: text('What happened, for a person to read.'),
    source: SOURCE,
    firstTimestamp: nullable(time('When the event was first recorded.')),
    lastTimestamp: nullable(time('When the event was last recorded.')),
    count: int32('How often the event was recorded.'),
    reportingComponent: text('The program that recorded the event.'),
    ...SHARED,
  }),
  applyDefaults: (object) => {
    setDefaults(object);
  },
  validate: (object) => validateEvent(object as unknown as CoreEvent, 'reportingComponent'),
});

/** Members that are always there, empty or null. */
function setDefaults(object: JsonObject): void {
  object['involvedObject'] ??= {};
  object['source'] ??= {};
  for (const name of ['firstTimestamp', 'lastTimestamp', 'eventTime']) object[name] ??= null;
  for (const name of ['reportingComponent', 'reportingInstance']) object[name] ??= '';
}

const newer = defineBuiltin({
  group: 'events.k8s.io',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  storedAs: '/events',
  columns: eventColumns(toCoreEvent),
  skipMetadata: true,
  selectableFields: [],
  schema: kindOf('Event tells of something that happened to an object.', 'Event', {
    regarding: ABOUT,
    note: text('What happened, for a person to read.'),
    deprecatedSource: SOURCE,
    deprecatedFirstTimestamp: nullable(time('When the event was first recorded.')),
    deprecatedLastTimestamp: nullable(time('When the event was last recorded.')),
    deprecatedCount: int32('How often the event was recorded.'),
    reportingController: text('The program that recorded the event.'),
    ...SHARED,
  }),
  applyDefaults: (object) => {
    object['eventTime'] ??= null;
  },
  validate: (object, old) => {
    const event = toCoreEvent(object as never) as CoreEvent;
    const before = old && (toCoreEvent(old as never) as CoreEvent);
    return [...validateEvent(event, 'reportingController'), ...validateStrictly(event, before)];
  },
});

/** The same objects as core/v1 serves, under newer names. */
export const eventDefinition: ResourceDefinition = {
  ...newer,
  toStored: (object) => {
    const stored = toCoreEvent(object);
    setDefaults(stored as unknown as JsonObject);
    return stored;
  },
  fromStored: fromCoreEvent,
};
