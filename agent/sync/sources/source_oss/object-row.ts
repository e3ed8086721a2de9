import type { Row } from '../../sync-event.ts';
import type { ListedObject } from './bucket.ts';

export const TABLE = 'objects';
/** Named as those of fs, where they mean the same. */
export const FIELDS = ['file_path', 'size', 'modified_time', 'etag'] as const;
/** All that is known of an object that is gone. */
export const KEY_FIELDS = ['file_path'] as const;

/** `modified_time` in epoch seconds. */
export function rowOf({ key, size, modified, etag }: ListedObject): Row {
  return { file_path: key, size, modified_time: modified / 1000, etag };
}

export function keyRowOf(key: string): Row {
  return { file_path: key };
}
