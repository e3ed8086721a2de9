import { ExtendedJsonError, parseExtendedJson } from './extended-json.ts';
import type { MongoOperation } from './mongo-operation.ts';
import { isDocument, OperationFields, OperationInvalid } from './operation-fields.ts';
import { isStage, updateOf } from './update-document.ts';

const MAX_OPERATIONS = 100_000;

/** What an index may have beside its keys. */
const INDEX_OPTIONS = [
  'unique',
  'sparse',
  'expireAfterSeconds',
  'partialFilterExpression',
  'collation',
  'hidden',
  'weights',
  'default_language',
  'language_override',
  'wildcardProjection',
  'bits',
  'min',
  'max',
  '2dsphereIndexVersion',
  'textIndexVersion',
];

/** Reads the fields of each kind of operation, by its name in the manual and beyond it, in lower case. */
const READERS: Readonly<Record<string, (fields: OperationFields) => MongoOperation>> = {
  insert: (fields) => ({
    kind: 'insert',
    ...common(fields),
    documents: fields.stored('documents'),
    ordered: fields.boolean('ordered', true),
  }),
  update: (fields) => {
    const base = { kind: 'update', ...common(fields), filter: fields.document('filter') } as const;
    const update = updateOf(fields.value('update'));
    if (typeof update === 'string') return fields.invalid(update);
    return {
      ...base,
      update: fields.evaluated('update', update),
      upsert: fields.boolean('upsert', false),
      multi: fields.boolean('multi', true),
      extras: fields.extras('arrayFilters', 'hint', 'collation'),
    };
  },
  delete: (fields) => ({
    kind: 'delete',
    ...common(fields),
    filter: fields.document('filter'),
    multi: fields.boolean('multi', true),
    extras: fields.extras('hint', 'collation'),
  }),
  find: (fields) => ({
    kind: 'find',
    ...common(fields),
    filter: fields.optionalDocument('filter') ?? {},
    projection: fields.optionalDocument('projection'),
    sort: fields.optionalDocument('sort'),
    limit: fields.amount('limit'),
    skip: fields.amount('skip'),
    extras: fields.extras('hint', 'collation'),
  }),
  aggregate: (fields) => {
    const base = { kind: 'aggregate', ...common(fields) } as const;
    const pipeline = fields.evaluated('pipeline', fields.documents('pipeline'));
    const strange = pipeline.findIndex((stage) => !isStage(stage));
    if (strange !== -1) return fields.invalid(`pipeline[${strange}] must be an object with one operator`);
    const last = pipeline.at(-1) ?? {};
    const writes = '$out' in last || '$merge' in last;
    return { ...base, pipeline, writes, extras: fields.extras('hint', 'collation', 'allowDiskUse') };
  },
  count: (fields) => ({
    kind: 'count',
    ...common(fields),
    filter: fields.optionalDocument('filter') ?? {},
    extras: fields.extras('hint', 'collation'),
  }),
  distinct: (fields) => ({
    kind: 'distinct',
    ...common(fields),
    field: fields.text('field'),
    filter: fields.optionalDocument('filter') ?? {},
    extras: fields.extras('collation'),
  }),
  createindex: (fields) => {
    const base = { kind: 'createIndex', ...common(fields), keys: fields.document('keys') } as const;
    const keys = Object.entries(base.keys);
    if (keys.length === 0) return fields.invalid('keys is empty');
    const usual = keys.map(([key, order]) => `${key}_${String(order)}`).join('_');
    return {
      ...base,
      name: fields.value('name') === undefined ? usual : fields.text('name'),
      options: fields.extras(...INDEX_OPTIONS),
    };
  },
  dropindex: (fields) => ({ kind: 'dropIndex', ...common(fields), name: fields.text('name') }),
};

const NAMES = 'insert, update, delete, find, aggregate, count, distinct, createIndex, dropIndex';

const common = (fields: OperationFields): { number: number; collection: string } => ({
  number: fields.number,
  collection: fields.collection(),
});

/**
 * Reads a task's command: one operation or an array of them (manual §4.3), all checked before any is executed. A string
 * is what is wrong.
 */
export function parseOperations(text: string, allowJavascript: boolean): readonly MongoOperation[] | string {
  try {
    const parsed = parseExtendedJson(text);
    const operations: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    if (operations.length === 0) return 'the command holds no operation';
    if (operations.length > MAX_OPERATIONS) return `the command holds more than ${MAX_OPERATIONS} operations`;
    return operations.map((value, index) => read(value, index + 1, allowJavascript));
  } catch (err) {
    if (err instanceof OperationInvalid) return err.message;
    if (err instanceof ExtendedJsonError) return `failed to parse MongoDB operations: ${err.message}`;
    throw err;
  }
}

function read(value: unknown, number: number, allowJavascript: boolean): MongoOperation {
  if (!isDocument(value)) throw new OperationInvalid(`Operation ${number}: an operation must be an object`);
  const fields = new OperationFields(number, value, allowJavascript);
  const name = fields.text('operation');
  const reader = READERS[name.toLowerCase()];
  if (reader === undefined || !Object.hasOwn(READERS, name.toLowerCase()))
    return fields.invalid(`unsupported operation: ${name} (supported: ${NAMES})`);
  const operation = reader(fields);
  fields.end(operation.kind);
  return operation;
}
