import { FileUnavailable } from '../../files/file-unavailable.ts';
import { openText } from '../../files/open-text.ts';
import type { ExecutionContext } from '../executor.ts';
import { TaskFailure } from '../../task-failure.ts';

/** All operations are checked before the first is executed, so the whole text is in memory, several times as objects. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Reads what a task is to execute: its file (manual §4: `file_id` counts before `command`), else its command. Rejects
 * with `TaskFailure`.
 */
export async function readSource(context: ExecutionContext): Promise<string> {
  const { command, params, fileId } = context;
  const { file_path: path, file_name: fileName } = params;
  if (fileName !== undefined && fileName !== null && typeof fileName !== 'string')
    throw new TaskFailure('InvalidParams', 'params.file_name must be the name of a file in the archive');
  const text =
    fileId !== undefined || (path !== undefined && path !== null && path !== '')
      ? await readFile(context, fileName === '' ? undefined : (fileName ?? undefined))
      : command.replace(/^\ufeff/, '');
  if (text.trim() !== '') return text;
  throw new TaskFailure('InvalidParams', 'MongoDB command is empty (provide command or file_id)');
}

async function readFile(context: ExecutionContext, fileName: string | undefined): Promise<string> {
  try {
    const file = await openText(await context.file(), { fileName, extensions: ['.json', '.ejson'] });
    try {
      const pieces: string[] = [];
      let characters = 0;
      for await (const piece of file.pieces) {
        characters += piece.length;
        if (characters > MAX_CHARACTERS)
          throw new FileUnavailable(
            'FileTooLarge',
            `${file.name} has more than ${MAX_CHARACTERS} characters: split it into several tasks`,
          );
        pieces.push(piece);
      }
      return pieces.join('');
    } finally {
      file.release();
    }
  } catch (err) {
    if (err instanceof TaskFailure) throw err;
    throw new TaskFailure('FileUnavailable', `the file cannot be used: ${(err as Error).message}`, { cause: err });
  }
}
