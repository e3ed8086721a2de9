import type { FileRecord } from '../../store/files.ts';

/** A file as REST shows it: the manual's fields, in the manual's order. */
export interface FileView {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly content_type: string;
  readonly md5: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export function toFileView({ id, name, path, bytes, contentType, md5, createdAt }: FileRecord): FileView {
  const time = new Date(createdAt).toISOString();
  return { id, name, path, size: bytes, content_type: contentType, md5, created_at: time, updated_at: time };
}
