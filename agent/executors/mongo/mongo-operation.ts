import type { Document } from 'mongodb';

/** One operation of a task's command, checked; `number` counts from 1. */
export type MongoOperation =
  | InsertOperation
  | UpdateOperation
  | DeleteOperation
  | FindOperation
  | AggregateOperation
  | CountOperation
  | DistinctOperation
  | CreateIndexOperation
  | DropIndexOperation;

interface Operation {
  readonly number: number;
  readonly collection: string;
}

/** What narrows which documents are meant and how they are found, passed on as the server knows it. */
interface Selecting extends Operation {
  readonly filter: Document;
  /** `hint`, `collation` */
  readonly extras: Document;
}

export interface InsertOperation extends Operation {
  readonly kind: 'insert';
  readonly documents: readonly Document[];
  /** Whether the first document that fails ends it. */
  readonly ordered: boolean;
}

export interface UpdateOperation extends Selecting {
  readonly kind: 'update';
  /** Operators, or the stages of a pipeline. */
  readonly update: Document | readonly Document[];
  readonly upsert: boolean;
  readonly multi: boolean;
}

export interface DeleteOperation extends Selecting {
  readonly kind: 'delete';
  readonly multi: boolean;
}

export interface FindOperation extends Selecting {
  readonly kind: 'find';
  readonly projection: Document | undefined;
  readonly sort: Document | undefined;
  readonly limit: number | undefined;
  readonly skip: number | undefined;
}

export interface AggregateOperation extends Operation {
  readonly kind: 'aggregate';
  readonly pipeline: readonly Document[];
  readonly extras: Document;
  /** Whether it ends with `$out` or `$merge`. */
  readonly writes: boolean;
}

export interface CountOperation extends Selecting {
  readonly kind: 'count';
}

export interface DistinctOperation extends Selecting {
  readonly kind: 'distinct';
  readonly field: string;
}

export interface CreateIndexOperation extends Operation {
  readonly kind: 'createIndex';
  readonly keys: Document;
  readonly name: string;
  readonly options: Document;
}

export interface DropIndexOperation extends Operation {
  readonly kind: 'dropIndex';
  readonly name: string;
}

const READING = new Set<MongoOperation['kind']>(['find', 'count', 'distinct']);

/** Whether it may change something on the server. */
export const changes = (operation: MongoOperation): boolean =>
  operation.kind === 'aggregate' ? operation.writes : !READING.has(operation.kind);
