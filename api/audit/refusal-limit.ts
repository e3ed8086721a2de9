import { RecentMap } from '../../kube/recent-map.ts';
import { TokenBucket } from '../../kube/token-bucket.ts';

const CALLERS = 1000;
/** Of one caller: somebody who tries things by hand is on record with each try. */
const OF_ONE = { burst: 50, refillMs: 1000 };
/** Of all together: 20 a second fill a trail of a million records in 14 hours, if they come day and night. */
const OF_ALL = { burst: 1000, refillMs: 50 };

/** Bounds how many calls that came to nothing are on record: else a flood of them would push out what matters. */
export class RefusalLimit {
  readonly #callers = new RecentMap<string, TokenBucket>(CALLERS);
  readonly #all = new TokenBucket(OF_ALL.burst, OF_ALL.refillMs);
  #omitted = 0;

  /** Whether the call of `caller` is to be on record. */
  admits(caller: string): boolean {
    const own = this.#callers.getOrMake(caller, () => new TokenBucket(OF_ONE.burst, OF_ONE.refillMs));
    if (own.take() && this.#all.take()) return true;
    this.#omitted += 1;
    return false;
  }

  /** How many calls were left out since this was asked last. */
  takeOmitted(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }
}
