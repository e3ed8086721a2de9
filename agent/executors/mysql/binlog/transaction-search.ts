import { BinlogError } from './binlog-error.ts';
import { comparePositions, showPosition } from './binlog-position.ts';
import type { BinlogPosition } from './binlog-position.ts';
import type { ChangeAssembler } from './change-assembler.ts';
import { isHeartbeat } from './event-stream.ts';
import type { EventStream } from './event-stream.ts';
import { EventType } from './events/event-type.ts';
import type { LogEvent } from './events/log-event.ts';
import { eventsOfPayload } from './events/transaction-payload.ts';
import { GroupTracker } from './group-tracker.ts';
import type { OwnTransactions } from './own-transactions.ts';

export interface SearchOptions {
  readonly own: OwnTransactions;
  /** Transactions that begin before do not count. */
  readonly from: BinlogPosition;
  /** Where there is nothing more to look for. */
  readonly until: BinlogPosition | undefined;
  /** Asked where the log ends when the search takes longer than it should. */
  readonly logEnd: () => Promise<BinlogPosition | undefined>;
}

/**
 * Two words that there is nothing new, this far apart, may mean that the log has been read to its end. Those that waited
 * to be read are older than what is looked for, so that they only count for themselves where the end cannot be asked for.
 */
const IDLE_MS = 1000;
/** After which the log's end is asked for: a busy server never says that there is nothing new. */
const LONG_MS = 2000;

/** Reads a log for one's own transactions. All others are passed over; their rows are not looked into. */
export class TransactionSearch {
  readonly #stream: EventStream;
  readonly #options: SearchOptions;
  readonly #tracker = new GroupTracker();
  /** Behind the last transaction that was read whole: from here on the log can be read again. */
  #boundary: BinlogPosition;
  #idleSince: number | undefined;
  #until: BinlogPosition | undefined;
  #isEndAsked = false;
  readonly #began = performance.now();
  /** How many transactions of one's own there were. */
  found = 0;

  constructor(stream: EventStream, options: SearchOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#boundary = stream.position;
    this.#until = options.until;
  }

  get boundary(): BinlogPosition {
    return this.#boundary;
  }

  /** Resolves when the last of them has ended, or when there can be no more. Rejects as the stream and the assembler. */
  async run(assembler: ChangeAssembler, signal: AbortSignal): Promise<void> {
    while (!this.#isBehind()) {
      if (performance.now() - this.#began >= LONG_MS) await this.#askEnd();
      const event = await this.#stream.next(signal);
      if (isHeartbeat(event)) {
        if (await this.#isIdle()) return;
        continue;
      }
      this.#idleSince = undefined;
      const ended = await this.#take(event, assembler);
      if (ended) return;
    }
  }

  async #take(event: LogEvent, assembler: ChangeAssembler): Promise<boolean> {
    const own = this.#isOwn();
    if (event.type === EventType.TransactionPayload) {
      // All of a transaction but its GTID. Without one the thread stands within.
      if (own === false) return this.#ended(false);
      let ended = false;
      for await (const inner of eventsOfPayload(event.body)) ended ||= await this.#takeOne(inner, assembler);
      return ended;
    }
    return this.#takeOne(event, assembler);
  }

  async #takeOne(event: LogEvent, assembler: ChangeAssembler): Promise<boolean> {
    const step = this.#tracker.take(event);
    const own = this.#isOwn() === true;
    switch (step.kind) {
      case 'outside':
        this.#boundary = this.#stream.position;
        return false;
      case 'start':
      case 'begin':
        return false;
      case 'inside':
        if (this.#isOwn() === undefined)
          throw new BinlogError('NotInLog', 'the binary log does not tell which connection made a transaction');
        if (own) await assembler.add(event);
        return false;
      case 'statement':
        if (own)
          await assembler.unreadable(`the log has a statement and no rows: ${step.query.text}`, step.query.schema);
        return step.last ? this.#end(own, assembler) : false;
      case 'end':
        if (own && step.rolledBack) await assembler.unreadable('the transaction was rolled back, but not wholly');
        return this.#end(own, assembler);
    }
  }

  async #end(own: boolean, assembler: ChangeAssembler): Promise<boolean> {
    if (own) await assembler.end();
    return this.#ended(own);
  }

  #ended(own: boolean): boolean {
    this.#boundary = this.#stream.position;
    if (!own) return false;
    this.found += 1;
    return this.#options.own.ended(this.#tracker);
  }

  #isOwn(): boolean | undefined {
    if (comparePositions(this.#boundary, this.#options.from) < 0) return false;
    return this.#options.own.isOwn(this.#tracker);
  }

  #isBehind(): boolean {
    return this.#until !== undefined && comparePositions(this.#boundary, this.#until) >= 0;
  }

  /** What is looked for has been committed: it stands before the end that the log has now. */
  async #askEnd(): Promise<void> {
    if (this.#isEndAsked || this.#until !== undefined) return;
    this.#isEndAsked = true;
    this.#until = await this.#options.logEnd();
  }

  async #isIdle(): Promise<boolean> {
    this.#idleSince ??= performance.now();
    if (performance.now() - this.#idleSince < IDLE_MS) return false;
    await this.#askEnd();
    return this.#until === undefined;
  }
}

export const notInLog = (gtids: string, boundary: BinlogPosition): BinlogError =>
  new BinlogError('NotInLog', `the binary log has no transaction ${gtids} up to ${showPosition(boundary)}`);
