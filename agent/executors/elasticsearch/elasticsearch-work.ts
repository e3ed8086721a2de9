import { openText } from '../../files/open-text.ts';
import type { ExecutionContext } from '../executor.ts';
import { readActions } from './bulk-action.ts';
import type { BulkAction, BulkElement } from './bulk-action.ts';
import { readBulkFile } from './bulk-file.ts';
import { CommandError } from './command-error.ts';
import { parseOperation } from './elasticsearch-params.ts';
import type { BulkOperation, RequestOperation, SearchOperation } from './elasticsearch-params.ts';
import { parseJson } from './lossless-json.ts';

/** What a task asks for. */
export type Work = (
  | { readonly operation: RequestOperation | SearchOperation }
  | { readonly operation: BulkOperation; readonly actions: AsyncIterable<BulkAction> }
) & {
  /** To be called once, in the end. */
  release(): void;
};

const EXTENSIONS = ['.ndjson', '.jsonl', '.json'];

/**
 * Reads the command of a task: from its file, which is a command or lines of the bulk API, before `command`; a bulk
 * command without actions takes them from the file. What need not be streamed is checked whole before anything is sent.
 * Rejects with `CommandError`, `BulkActionError` or `FileUnavailable`.
 */
export async function readWork(context: ExecutionContext): Promise<Work> {
  const { command, params, fileId } = context;
  const hasFile = fileId !== undefined || (params['file_path'] ?? '') !== '';
  if (!hasFile) return fromCommand(command, params);
  const given = command.trim() === '' ? undefined : parseOperation(command, params, { hasFile });
  const fileName = params['file_name'];
  const opened = await openText(await context.file(), {
    extensions: EXTENSIONS,
    ...(typeof fileName === 'string' && fileName !== '' && { fileName }),
  });
  try {
    const file = await readBulkFile(opened.pieces);
    if (file.kind === 'lines') {
      const operation = (given ?? parseOperation('{"operation":"bulk"}', params, { hasFile })) as BulkOperation;
      return { operation, actions: actionsOf(operation, file.elements, false), release: opened.release };
    }
    opened.release();
    if (given === undefined) return await fromCommand(file.text, params);
    const actions = parseList(file.text);
    return await checked({ ...(given as BulkOperation), actions });
  } catch (err) {
    opened.release();
    throw err;
  }
}

async function fromCommand(command: string, params: Readonly<Record<string, unknown>>): Promise<Work> {
  const operation = parseOperation(command, params);
  return operation.kind === 'bulk' ? checked(operation) : { operation, release: () => undefined };
}

async function checked(operation: BulkOperation): Promise<Work> {
  const list = (operation.actions ?? []).map((value): BulkElement => ({ value }));
  for await (const _action of actionsOf(operation, list, true));
  return { operation, actions: actionsOf(operation, list, true), release: () => undefined };
}

const actionsOf = (
  { index }: BulkOperation,
  elements: AsyncIterable<BulkElement> | Iterable<BulkElement>,
  guarded: boolean,
): AsyncIterable<BulkAction> => readActions(elements, { hasIndex: index !== undefined, guarded });

function parseList(text: string): readonly unknown[] {
  let list: unknown;
  try {
    list = parseJson(text);
  } catch (err) {
    throw new CommandError(`failed to parse the file: ${(err as Error).message}`, { cause: err });
  }
  if (!Array.isArray(list) || list.length === 0) throw new CommandError('the file must be a list of actions');
  return list as unknown[];
}
