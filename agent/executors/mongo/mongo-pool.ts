import { MongoClient, MongoServerError } from 'mongodb';
import type { Document, ServerHeartbeatFailedEvent } from 'mongodb';
import type { Target } from '../../connections/target.ts';
import { abortable } from '../database/deadline.ts';
import { clientOptions } from './client-options.ts';
import { probe } from './probe.ts';

/** What the server says of itself. */
export interface ServerFacts {
  /** Undefined when it can run transactions, else why it cannot. */
  readonly noTransactions: string | undefined;
  /** FerretDB answers killSessions, but goes on with what it executes. */
  readonly stopsOnRequest: boolean;
  /** Whether every command may carry a comment: MongoDB 4.4 and later. */
  readonly comments: boolean;
  readonly maxBatch: number;
}

/** The target cannot be used as its parameters have it. */
export class TargetInvalid extends Error {
  override readonly name = 'TargetInvalid';
}

/** The connections to one server under one login. */
export class MongoPool {
  readonly #target: Target;
  readonly #made: Exclude<ReturnType<typeof clientOptions>, string>;
  #client: MongoClient;
  #build: Document | undefined;
  #answered = false;

  /** Connects nowhere yet. Throws `TargetInvalid`. */
  constructor(target: Target) {
    this.#target = target;
    const made = clientOptions(target);
    if (typeof made === 'string') throw new TargetInvalid(`params.target: ${made}`);
    this.#made = made;
    try {
      this.#client = new MongoClient(made.uri, made.options);
      this.#client.db(target.database);
    } catch (err) {
      throw new TargetInvalid(`the target cannot be: ${(err as Error).message}`, { cause: err });
    }
  }

  get client(): MongoClient {
    return this.#client;
  }

  /**
   * Makes sure that the server answers and takes the login. The first failure to reach it counts: the driver itself
   * would try again until its selection of a server times out. Rejects with what the driver or the signal says.
   */
  async connect(signal: AbortSignal): Promise<ServerFacts> {
    try {
      return await this.#connect(signal);
    } catch (err) {
      // Connections kept from an earlier task may have been cut off meanwhile; nothing of this one was sent yet.
      if (!this.#answered || signal.aborted || err instanceof MongoServerError) throw err;
      this.#answered = false;
      return this.#connect(signal);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #connect(signal: AbortSignal): Promise<ServerFacts> {
    if (!this.#answered) await probe(this.#target, this.#made.options, signal);
    const client = this.#client;
    const unreachable = Promise.withResolvers<never>();
    const onFailed = (event: ServerHeartbeatFailedEvent): void => unreachable.reject(event.failure);
    client.on('serverHeartbeatFailed', onFailed);
    try {
      const facts = await abortable(Promise.race([this.#ask(client, signal), unreachable.promise]), signal);
      this.#answered = true;
      return facts;
    } catch (err) {
      // Its monitors would go on talking to the server. Nobody else has got anywhere with it.
      if (!this.#answered && this.#client === client) {
        this.#client = new MongoClient(this.#made.uri, this.#made.options);
        void client.close().catch(() => undefined);
      }
      throw err;
    } finally {
      client.off('serverHeartbeatFailed', onFailed);
    }
  }

  async #ask(client: MongoClient, signal: AbortSignal): Promise<ServerFacts> {
    await client.connect();
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 }, { signal });
    // An old or restricted server may refuse it.
    this.#build ??= await admin.command({ buildInfo: 1 }, { signal }).catch(() => ({}));
    const ferret = 'ferretdb' in this.#build;
    const isSet = typeof hello['setName'] === 'string' || hello['msg'] === 'isdbgrid';
    return {
      noTransactions: ferret
        ? 'FerretDB has no transactions'
        : isSet
          ? undefined
          : 'the server is neither a member of a replica set nor a mongos',
      stopsOnRequest: !ferret,
      comments: Number(hello['maxWireVersion'] ?? 0) >= 9,
      maxBatch: Number(hello['maxWriteBatchSize'] ?? 1000),
    };
  }
}
