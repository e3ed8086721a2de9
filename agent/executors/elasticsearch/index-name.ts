import { CommandError } from './command-error.ts';

/** One index, alias or data stream: nothing that names several. */
export function oneIndex(name: string, index: unknown): string {
  const text = manyIndices(name, index);
  if (/[*,]/.test(text) || text === '_all') throw new CommandError(`index must be a single one for ${name}`);
  return text;
}

export function manyIndices(name: string, index: unknown): string {
  if (index === undefined || index === null || index === '') throw new CommandError(`index is required by ${name}`);
  if (typeof index !== 'string') throw new CommandError('index must be a string');
  const isName = (part: string): boolean =>
    part === '_all' ||
    (part !== '' && part !== '.' && part !== '..' && !part.startsWith('_') && !/[\s\\/?"#\0]/.test(part));
  if (!index.split(',').every(isName) && !/^<[^\s?#"\0]+>$/.test(index))
    throw new CommandError(`index ${JSON.stringify(index).slice(0, 100)} cannot be the name of an index`);
  return index;
}

/** As Elasticsearch does for the deletion of indices: what empties a whole server must be named. */
export function refuseAllIndices(index: string): void {
  const all = index.split(',').find((part) => part === '_all' || /^\*+$/.test(part));
  if (all !== undefined)
    throw new CommandError(
      `delete_by_query on all indices (${all}) is refused: name them, a pattern such as logs-* will do`,
    );
}

/** Commas stay: they part names. */
export const pathOf = (index: string): string =>
  `/${index.startsWith('<') ? encodeURIComponent(index) : index.split(',').map(encodeURIComponent).join(',')}`;
