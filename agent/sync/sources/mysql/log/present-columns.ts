import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { TableShape, TableShapes } from '../table-shapes.ts';
import { isBehind } from './position.ts';
import type { StatementsAhead } from './statements-ahead.ts';
import { mismatch } from './table-plans.ts';

export interface PresentColumnsOptions {
  readonly shapes: TableShapes;
  readonly ahead: StatementsAhead;
  /** Where the log ends. */
  readonly now: () => Promise<BinlogPosition>;
}

/**
 * Columns of tables where the log does not name them: what the server says of them now, when the log has nothing between
 * the rows and now that may have made them so.
 */
export class PresentColumns {
  readonly #options: PresentColumnsOptions;

  constructor(options: PresentColumnsOptions) {
    this.#options = options;
  }

  /** Of rows at a place. Rejects with `PositionLostError` when it cannot be known, or as the sessions do. */
  async at(place: BinlogPosition, schema: string, table: string): Promise<TableShape> {
    const { shapes, ahead, now } = this.#options;
    const shape = await shapes.get(schema, table);
    // What was altered while the server was asked stands before this place too.
    const until = await now();
    if (shape === undefined)
      throw mismatch({ schema, table }, 'the server has no such table now, or does not show it to the login');
    if (isBehind(place, until)) return shape;
    const statement = await ahead.altering({ schema, table }, place, until);
    if (statement !== undefined)
      throw mismatch(
        { schema, table },
        `the log does not name their columns, and the table may have been altered since (${statement})`,
      );
    return shape;
  }
}
