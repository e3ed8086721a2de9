import type { Row } from '../../sync-event.ts';
import { absolutePath } from './file-version.ts';
import type { PathColumns } from './thread-messages.ts';

/** Facts §1.9. */
export const TABLE = 'files';
export const FIELDS = ['file_path', 'size', 'modified_time', 'created_time', 'is_dir'] as const;
/** All that is known of a path that is gone. */
export const KEY_FIELDS = ['file_path'] as const;

/** The row of a path; times in epoch seconds, as the original has them. */
export function rowAt(root: string, columns: PathColumns, at: number): Row {
  return {
    file_path: absolutePath(root, columns.paths[at] ?? ''),
    size: columns.sizes[at],
    modified_time: (columns.mtimes[at] ?? 0) / 1000,
    created_time: (columns.ctimes[at] ?? 0) / 1000,
    is_dir: columns.isDir[at] === 1,
  };
}
