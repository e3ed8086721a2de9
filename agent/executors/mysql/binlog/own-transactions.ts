import { GtidSet } from '@vlasky/zongji';
import type { GroupTracker } from './group-tracker.ts';

/** Tells one's own transactions from all others. */
export interface OwnTransactions {
  /** Whether the transaction that the tracker is in is one; undefined while the log has not told it yet. */
  isOwn(tracker: GroupTracker): boolean | undefined;
  /** One has ended. Whether there is no other to wait for. */
  ended(tracker: GroupTracker): boolean;
}

/** GTIDs as the server told them with the COMMIT: `uuid:7`, also a set, or MariaDB's `0-1-7`, also several. */
export function ownByGtid(gtids: string): OwnTransactions {
  return gtids.includes(':') ? bySet(gtids) : byNames(gtids);
}

/** Without GTIDs: whatever the connection with this number committed. `several`: until there is nothing more to read. */
export function ownByThread(threadId: number, several: boolean): OwnTransactions {
  return {
    isOwn: (tracker) => (tracker.threadId === undefined ? undefined : tracker.threadId === threadId),
    ended: () => !several,
  };
}

function bySet(gtids: string): OwnTransactions {
  const wanted = GtidSet.parse(gtids);
  const found = GtidSet.parse('');
  const all = wanted.toString();
  return {
    isOwn: ({ gtid }) => wanted.contains(gtid),
    ended: ({ gtid = '' }) => {
      found.add(gtid);
      return found.toString() === all;
    },
  };
}

function byNames(gtids: string): OwnTransactions {
  const wanted = new Set(gtids.split(',').map((gtid) => gtid.trim()));
  const left = new Set(wanted);
  return {
    isOwn: ({ gtid = '' }) => wanted.has(gtid),
    ended: ({ gtid = '' }) => {
      left.delete(gtid);
      return left.size === 0;
    },
  };
}
