/** A file on this host that a task uses. It stays as it is until `release`. */
export interface TaskFile {
  /** The uploaded file's id, or the path that the task names. */
  readonly id: string;
  readonly path: string;
  /** The file's own name, as it was uploaded. */
  readonly name: string;
  readonly bytes: number;
  /** To be called when the task needs the file no longer; again it does nothing. */
  readonly release: () => void;
}
