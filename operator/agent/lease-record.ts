import type { Lease } from '../../kube/resource.ts';

/** What has been seen of one agent's Lease. */
export interface LeaseRecord {
  /** Id of the process that holds it; empty: released, or there is no such Lease. */
  holder: string;
  renewTime: string;
  durationMs: number;
  /** When it last changed as seen from here, by the operator's monotonic clock. */
  changedAt: number;
  /** Whether it has been seen changing. A Lease found at the start may be that of an agent that is long gone. */
  proven: boolean;
  exists: boolean;
  /** Its silence has lasted for its duration, and a fresh read confirmed that. */
  lost: boolean;
  /** The presence that was told of last. */
  told: string | undefined;
}

/** design.md §4.4, for a Lease that does not say. */
const DEFAULT_DURATION_MS = 25_000;

/** A Lease must not hold up the operator for longer than this, nor less than an agent's renewals need. */
const DURATION_BOUNDS_MS = { min: 1000, max: 120_000 };

export function recordOf(lease: Lease | undefined, changedAt: number, proven: boolean): LeaseRecord {
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds } = lease?.spec ?? {};
  const wanted = leaseDurationSeconds === undefined ? DEFAULT_DURATION_MS : leaseDurationSeconds * 1000;
  return {
    holder: holderIdentity,
    renewTime,
    durationMs: Math.min(DURATION_BOUNDS_MS.max, Math.max(DURATION_BOUNDS_MS.min, wanted)),
    changedAt,
    proven,
    exists: lease !== undefined,
    lost: false,
    told: undefined,
  };
}

/** Whether the Lease is still as it was when the record was made. */
export function isUnchanged(record: LeaseRecord, lease: Lease | undefined): boolean {
  const { holderIdentity = '', renewTime = '' } = lease?.spec ?? {};
  return record.exists === (lease !== undefined) && record.holder === holderIdentity && record.renewTime === renewTime;
}
