import type { KubeObject } from '../../../kube/object.ts';
import type { PrinterColumn, ResourceDefinition } from '../resource-definition.ts';
import { humanDuration } from './human-duration.ts';
import { compileJsonPath } from './json-path.ts';

export type Cell = string | number | boolean | null;

/** A Table of meta.k8s.io/v1, which is what kubectl prints. */
export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: object;
  readonly columnDefinitions: readonly object[];
  readonly rows: readonly { readonly cells: readonly Cell[]; readonly object: object | null }[];
}

export interface TableOptions {
  /** What of each object stands beside its cells. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  /** The time that ages are counted to. */
  readonly now: Date;
}

type ReadCell = (object: KubeObject, now: Date) => Cell;

interface Layout {
  readonly headings: readonly object[];
  readonly cells: readonly ReadCell[];
}

const NAME: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  cell: ({ metadata }) => metadata.name,
};

const LAYOUTS = new WeakMap<readonly PrinterColumn[], Layout>();

/** Makes a table of objects; its metadata is left to the caller. */
export function toTable(
  definition: Pick<ResourceDefinition, 'columns'>,
  objects: readonly KubeObject[],
  { includeObject, now }: TableOptions,
): Table {
  const layout = layoutOf(definition.columns);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: layout.headings,
    rows: objects.map((object) => ({
      cells: layout.cells.map((read) => read(object, now)),
      object: shownObject(object, includeObject),
    })),
  };
}

function shownObject(object: KubeObject, include: TableOptions['includeObject']): object | null {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function layoutOf(columns: readonly PrinterColumn[]): Layout {
  const known = LAYOUTS.get(columns);
  if (known !== undefined) return known;
  const all = columns.some(({ format }) => format === 'name') ? columns : [NAME, ...columns];
  const layout = { headings: all.map(headingOf), cells: all.map(readerOf) };
  LAYOUTS.set(columns, layout);
  return layout;
}

function headingOf({ name, type, format, description, priority, jsonPath }: PrinterColumn): object {
  const shown = description ?? `Custom resource definition column (in JSONPath format): ${jsonPath ?? ''}`;
  return { name, type, format: format ?? '', description: shown, priority: priority ?? 0 };
}

function readerOf({ type, jsonPath, cell }: PrinterColumn): ReadCell {
  if (cell !== undefined) return cell;
  const find = compileJsonPath(jsonPath ?? '');
  return (object, now) => {
    const [value] = find(object);
    return value === undefined ? null : cellOf(type, value, now);
  };
}

function cellOf(type: PrinterColumn['type'], value: unknown, now: Date): Cell {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? value : value === null ? '<nil>' : JSON.stringify(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' ? dateCell(value, now) : null;
  }
}

function dateCell(text: string, now: Date): string {
  if (text === '') return '<unknown>';
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = isTime ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? '<invalid>' : humanDuration(now.getTime() - at);
}
