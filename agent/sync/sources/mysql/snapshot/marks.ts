import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import { SourceError } from '../../../source.ts';
import type { SourcePosition } from '../../../stream-entry.ts';
import type { GtidSet } from '../log/gtid-set.ts';
import { isBehind, placeOf, readPosition } from '../log/position.ts';
import type { MysqlTransaction } from '../log/position.ts';

/** What a read saw, told by transactions (`SnapshotChunk`). */
export interface ReadMarks {
  sees(transaction: unknown): boolean;
  isCoveredBy(position: SourcePosition): boolean;
}

/** `seen`: what was visible before the read, as a set of GTIDs or as all before a place. `until`: where the log ended after it. */
export function readMarks(options: {
  readonly server: string;
  readonly seen: GtidSet | BinlogPosition;
  readonly until: BinlogPosition;
}): ReadMarks {
  const { server, seen, until } = options;
  return {
    sees: (given) => {
      const transaction = given as MysqlTransaction | undefined;
      if (transaction === undefined) return false;
      if ('file' in seen) return transaction.server === server && !isBehind(transaction.begin, seen);
      return transaction.gtid !== undefined && seen.has(transaction.gtid);
    },
    isCoveredBy: (position) => {
      const at = readPosition(position);
      const place = at && placeOf(at);
      if (at === undefined || place === undefined) return false;
      if (at.server !== server)
        throw new SourceError(
          'ServerChanged',
          `the log is read from the server ${at.server} and the snapshot from ${server}: uri leads to more than one`,
          { retryable: true },
        );
      return isBehind(place, until);
    },
  };
}
