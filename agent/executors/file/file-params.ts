export interface FileParams {
  /** A path, or a folder if it ends with a slash; undefined: below the work folder, by the file's id. */
  readonly targetPath: string | undefined;
}

/** Reads the parameters of a file task; a string is what is wrong with them. */
export function parseFileParams(
  fileId: string | undefined,
  params: Readonly<Record<string, unknown>>,
): FileParams | string {
  const { operation = 'distribute', target_path: targetPath } = params;
  if (operation !== 'distribute') return 'params.operation must be distribute';
  if (fileId === undefined || fileId === '') return 'file_id is required';
  if (targetPath === undefined || targetPath === '') return { targetPath: undefined };
  if (typeof targetPath !== 'string' || targetPath.includes('\0'))
    return 'params.target_path must be a path on the agent';
  return { targetPath };
}
