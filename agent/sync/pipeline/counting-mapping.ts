import type { Logger } from 'pino';
import type { MappedEvent, Mapping } from '../mapping/field-mapping.ts';
import type { SyncEvent } from '../sync-event.ts';

/** One line in the log for so many rows. */
const LOG_EVERY = 1_000;

/** Maps events, and keeps account of what the mapping does not let through. */
export class CountingMapping {
  readonly #mapping: Mapping;
  readonly #logger: Logger;
  #rejected = 0;
  #unconverted = 0;
  /** Of what was mapped since the last `settle`. */
  #unsettled = { rejected: 0, unconverted: 0 };

  constructor(mapping: Mapping, logger: Logger) {
    this.#mapping = mapping;
    this.#logger = logger;
  }

  get wanted(): readonly string[] | undefined {
    return this.#mapping.wanted;
  }

  /** Rows that lacked what is required, so far. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Undefined: nothing of it is to be sent. */
  apply(event: SyncEvent): SyncEvent | undefined {
    const mapped = this.#mapping.apply(event);
    if (mapped.rejected > 0 || mapped.unconverted > 0) this.#note(event, mapped);
    return mapped.event;
  }

  /** What was mapped is the consumer's (`kept`), or will be read and mapped again. */
  settle(kept: boolean): void {
    if (kept) {
      this.#rejected += this.#unsettled.rejected;
      this.#unconverted += this.#unsettled.unconverted;
    }
    this.#unsettled = { rejected: 0, unconverted: 0 };
  }

  #note({ event_schema, table, index }: SyncEvent, mapped: MappedEvent): void {
    const where = { event_schema, table, index };
    const rejected = this.#rejected + this.#unsettled.rejected;
    const unconverted = this.#unconverted + this.#unsettled.unconverted;
    if (isDue(rejected, mapped.rejected))
      this.#logger.warn(
        { ...where, reason: mapped.rejectedReason, rejected: rejected + mapped.rejected },
        'rows are not sent: they lack what fields_mapping requires',
      );
    if (isDue(unconverted, mapped.unconverted))
      this.#logger.warn(
        { ...where, reason: mapped.unconvertedReason, unconverted: unconverted + mapped.unconverted },
        'values are left out: they cannot be what the consumer wants',
      );
    this.#unsettled.rejected += mapped.rejected;
    this.#unsettled.unconverted += mapped.unconverted;
  }
}

function isDue(before: number, added: number): boolean {
  return added > 0 && (before === 0 || Math.floor(before / LOG_EVERY) !== Math.floor((before + added) / LOG_EVERY));
}
