import { FileUnavailable } from '../../files/file-unavailable.ts';
import { openText } from '../../files/open-text.ts';
import type { ExecutionContext } from '../executor.ts';
import { TaskFailure } from '../../task-failure.ts';

/** A task's SQL cannot be had: `reason` is for its condition. */
export class SqlSourceError extends TaskFailure {
  override readonly name = 'SqlSourceError';
}

export interface SqlSource {
  /** The file that it comes from; undefined: from the command. */
  readonly file: string | undefined;
  /** The text in pieces of no meaning, to be read once. Throws `SqlSourceError` when the file turns out to be damaged. */
  readonly pieces: AsyncIterable<string>;
  /** To be called once, after the last piece or instead of it. */
  release(): void;
}

const PIECE_CHARS = 256 * 1024;

/** Opens what a task is to execute: its file (manual §4: `file_id` counts before `command`), else its command. */
export async function openSql(context: ExecutionContext): Promise<SqlSource> {
  const { command, params, fileId } = context;
  const { file_path: path, file_name: fileName } = params;
  if (fileName !== undefined && fileName !== null && typeof fileName !== 'string')
    throw new SqlSourceError('InvalidParams', 'params.file_name must be the name of a file in the archive');
  if (fileId !== undefined || (path !== undefined && path !== null && path !== '')) {
    try {
      const text = await openText(await context.file(), {
        fileName: fileName === '' ? undefined : (fileName ?? undefined),
      });
      return { file: text.name, pieces: explained(text.pieces), release: text.release };
    } catch (err) {
      throw asSourceError(err);
    }
  }
  if (command.trim() === '')
    throw new SqlSourceError('InvalidParams', 'SQL command is empty (provide command or file_id)');
  return { file: undefined, pieces: cut(command), release: () => undefined };
}

async function* cut(text: string): AsyncGenerator<string> {
  // A byte order mark, as Windows' editors write it.
  const start = text.startsWith('\ufeff') ? 1 : 0;
  for (let from = start; from < text.length; from += PIECE_CHARS) yield text.slice(from, from + PIECE_CHARS);
}

async function* explained(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* pieces;
  } catch (err) {
    throw asSourceError(err);
  }
}

function asSourceError(err: unknown): SqlSourceError {
  if (err instanceof FileUnavailable) return new SqlSourceError(err.reason, err.message, { cause: err });
  return new SqlSourceError('FileUnavailable', `the file cannot be used: ${(err as Error).message}`, { cause: err });
}
