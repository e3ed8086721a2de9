import { ByteCursor } from '../events/byte-cursor.ts';
import type { CellValue } from '../cell-value.ts';
import type { ColumnCodec } from './column-codec.ts';
import { isSet } from '../events/rows-event.ts';
import type { RowsEvent } from '../events/rows-event.ts';

/** The images of one row; `before` of inserted and `after` of deleted rows are empty. */
export interface RowImages {
  readonly before: readonly CellValue[];
  readonly after: readonly CellValue[];
}

/** Takes apart the rows of an event whose images are complete, one by one. Throws `Malformed`. */
export function* rowsOf(event: RowsEvent, codecs: readonly ColumnCodec[]): Generator<RowImages> {
  const cursor = new ByteCursor(event.images);
  while (cursor.left > 0) {
    const before = event.kind === 'insert' ? [] : readImage(cursor, codecs);
    const after = event.kind === 'delete' ? [] : readImage(cursor, codecs);
    yield { before, after };
  }
}

function readImage(cursor: ByteCursor, codecs: readonly ColumnCodec[]): CellValue[] {
  const nulls = cursor.bytes(Math.ceil(codecs.length / 8));
  return codecs.map((codec, index) => (isSet(nulls, index) ? null : codec(cursor)));
}
