import { setImmediate as turn } from 'node:timers/promises';
import { abortable } from '../database/deadline.ts';
import type { Block, BlockColumn } from './native/block.ts';
import type { Value } from './native/codecs/codec.ts';
import type { NativeConnection } from './native/connection.ts';
import { ProtocolError } from './native/native-error.ts';
import type { StatementRun } from './session.ts';

/** After this many rows the agent's other work gets its turn: a block has 65,536, or many more. */
const ROWS_A_TURN = 4_096;

/** Takes all answers to a query up to its end. */
export async function readToEnd(connection: NativeConnection, run: StatementRun): Promise<void> {
  let columns: readonly BlockColumn[] | undefined;
  const done = { rows: 0, bytes: 0, totalRows: 0 };
  for (;;) {
    const answer = await connection.answer();
    switch (answer.kind) {
      case 'data': {
        const { block } = answer;
        // The last block has no columns.
        if (block.columns.length === 0) break;
        if (columns === undefined) {
          columns = block.columns;
          run.columns(columns.map(({ name, codec }) => ({ name, type: codec.type, numeric: isNumeric(codec.type) })));
        } else if (columns.length !== block.columns.length) throw new ProtocolError('the server changed the columns');
        await giveRows(block, run);
        break;
      }
      case 'totals':
      case 'extremes':
        if (!run.signal.aborted) noteRows(answer.kind, answer.block, run);
        break;
      case 'progress':
        done.rows += answer.progress.rows;
        done.bytes += answer.progress.bytes;
        done.totalRows += answer.progress.totalRows;
        run.progress(done);
        break;
      case 'end':
        return;
      case 'pong':
        throw new ProtocolError('the server answered a ping that was not sent');
      case 'profile':
    }
  }
}

async function giveRows(block: Block, run: StatementRun): Promise<void> {
  for (let row = 0; row < block.rows; row += 1) {
    // What still comes after a cancel is of no interest, but must be read up to its end.
    if (run.signal.aborted) return;
    if (row % ROWS_A_TURN === ROWS_A_TURN - 1) await turn();
    const taken = run.row(cells(block, row, run.format));
    if (taken !== undefined)
      await abortable(taken, run.signal).catch((err: unknown) => {
        if (!run.signal.aborted) throw err;
      });
  }
}

function cells(block: Block, row: number, format: 'text' | 'json'): readonly unknown[] {
  return block.columns.map(({ codec }, i) => {
    const value = block.values[i]?.(row) ?? null;
    return value === null || format === 'json' ? value : codec.toText(value);
  });
}

function noteRows(kind: string, block: Block, run: StatementRun): void {
  for (let row = 0; row < Math.min(block.rows, 2); row += 1) {
    const texts = block.columns.map(({ name }, i) => `${name} = ${shown(block, i, row)}`);
    run.note('info', `${kind}: ${texts.join(', ')}`);
  }
}

function shown(block: Block, column: number, row: number): string {
  const value: Value = block.values[column]?.(row) ?? null;
  return value === null ? 'NULL' : (block.columns[column]?.codec.toText(value) ?? '');
}

const isNumeric = (type: string): boolean => /^(?:Nullable\()?(?:U?Int|Float|Decimal)\d*/.test(type);
