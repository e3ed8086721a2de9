import type { Lease } from '../../kube/resource.ts';
import type { Presence } from '../deploytask/world.ts';
import { Contact } from './contact.ts';
import { isUnchanged, recordOf } from './lease-record.ts';
import type { LeaseRecord } from './lease-record.ts';

export interface AgentLivenessOptions {
  /** The monotonic time in milliseconds. */
  readonly clock: () => number;
  /** The time of day in milliseconds since 1970; only to guess about Leases that were there before us. */
  readonly wallClock: () => number;
  /** When the Lease informer last heard from the API server, by `clock`. */
  readonly lastContactAt: () => number;
  /** Reads one Lease from the API server itself; undefined when it does not exist. Rejects when there is no answer. */
  readonly read: (name: string) => Promise<Lease | undefined>;
  /** Told when an agent's presence may have changed. */
  readonly onChange: (name: string) => void;
}

/**
 * Agents renew five times in a Lease's duration. One that missed two renewals gets nothing new; it is given up only
 * after the whole duration.
 */
const QUIET_AFTER = 0.6;

/** Silence from which on the operator makes sure that it is not itself the one that is cut off. */
const SUSPECT_AFTER = 0.25;

/** A probe is not worth making when the watch was heard of this short a time ago. */
const FRESH_MS = 2000;

/**
 * Tells which agents are there, from what it has itself seen of their Leases: never from a Lease's times, which come
 * from other clocks. Silence counts only while the operator's own reads succeed, and starts afresh after a gap
 * (design.md §4.4).
 */
export class AgentLiveness {
  readonly #options: AgentLivenessOptions;
  readonly #records = new Map<string, LeaseRecord>();
  readonly #contact: Contact;

  constructor(options: AgentLivenessOptions) {
    this.#options = options;
    this.#contact = new Contact(options.clock());
  }

  /** Takes in what the Lease informer says; `lease` undefined: it was deleted. */
  observe(name: string, lease: Lease | undefined): void {
    const before = this.#records.get(name);
    if (before !== undefined && isUnchanged(before, lease)) return;
    const now = this.#options.clock();
    this.#contact.made(now);
    // A Lease that is taken away says nothing of its holder: the silence goes on from its last renewal.
    const changedAt = lease === undefined ? (before?.changedAt ?? now) : now;
    const proven = before !== undefined || this.#looksAlive(lease);
    this.#records.set(name, { ...recordOf(lease, changedAt, proven), told: before?.told });
    this.#tell(name);
  }

  /** Forgets an agent that is gone, with its Lease, and that has nothing to do: of pods that come and go there is no end. */
  forget(name: string): void {
    this.#records.delete(name);
  }

  presence(name: string): Presence {
    let record = this.#records.get(name);
    if (record === undefined) {
      // Nothing was ever seen of it: from now on it has as long as any other to show up.
      record = recordOf(undefined, this.#contact.since, false);
      this.#records.set(name, record);
    }
    return {
      online: this.#isOnline(record),
      instance: record.holder,
      released: record.exists && record.holder === '',
      lost: record.lost,
    };
  }

  /**
   * Looks for agents that went silent; run it every two seconds or so. Before an agent is given up, its Lease is read
   * from the API server itself, which also proves that reads succeed.
   */
  async check(): Promise<void> {
    const { clock, lastContactAt } = this.#options;
    this.#contact.made(lastContactAt());
    const silent = [...this.#records].filter(([, record]) => !record.lost && this.#isSilent(record, SUSPECT_AFTER));
    const [first] = silent;
    if (first !== undefined && clock() - this.#contact.last > FRESH_MS) await this.#probe(...first);
    for (const [name, record] of silent) {
      if (this.#isSilent(record, 1) && this.#records.get(name) === record) await this.#giveUp(name, record);
    }
    for (const name of this.#records.keys()) this.#tell(name);
  }

  async #giveUp(name: string, record: LeaseRecord): Promise<void> {
    if (!(await this.#probe(name, record))) return;
    // The probe may have ended a gap, after which this agent has a full duration again.
    if (this.#isSilent(record, 1)) record.lost = true;
  }

  /** Whether the Lease was read and is still as the record has it. Rejects when it cannot be read. */
  async #probe(name: string, record: LeaseRecord): Promise<boolean> {
    const askedAt = this.#options.clock();
    const lease = await this.#options.read(name);
    this.#contact.made(askedAt);
    if (this.#records.get(name) !== record) return false;
    if (isUnchanged(record, lease)) return true;
    this.observe(name, lease);
    return false;
  }

  /** Tells of a presence that is not what was told last. */
  #tell(name: string): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    const told = `${record.holder} ${this.#isOnline(record)} ${record.lost}`;
    if (record.told === told) return;
    record.told = told;
    this.#options.onChange(name);
  }

  #isOnline(record: LeaseRecord): boolean {
    return record.holder !== '' && record.proven && !record.lost && !this.#isSilent(record, QUIET_AFTER);
  }

  /** Whether the Lease has been silent for a part of its duration while the operator was listening. */
  #isSilent({ changedAt, durationMs }: LeaseRecord, part: number): boolean {
    return this.#options.clock() - Math.max(changedAt, this.#contact.since) >= durationMs * part;
  }

  /** Of a Lease that is seen for the first time. An agent whose clock is wrong is believed at its next renewal. */
  #looksAlive(lease: Lease | undefined): boolean {
    const renewedAt = Date.parse(lease?.spec?.renewTime ?? '');
    return Math.abs(this.#options.wallClock() - renewedAt) < recordOf(lease, 0, false).durationMs * QUIET_AFTER;
  }
}
