import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { Db, Document } from 'mongodb';
import type { Service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution, Work } from '../../../conformance/executor.ts';
import { MongoExecutor } from '../mongo-executor.ts';

/**
 * A database of its own on a test's server, with an executor and a client that sees what is there. Its collection
 * `many` has 4,000 documents, whose `group` is from 0 to 6.
 */
export class TestDatabase {
  readonly name = `test_${randomBytes(6).toString('hex')}`;
  readonly spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  readonly executor: MongoExecutor;
  readonly server: Service;
  readonly witness: MongoClient;

  private constructor(server: Service) {
    this.server = server;
    this.executor = new MongoExecutor({ connections: new Map(), spoolFolder: this.spoolFolder });
    const auth = { username: server.user, password: server.password };
    this.witness = new MongoClient(`mongodb://${server.host}:${server.port}/`, { auth, directConnection: true });
  }

  static async create(server: Service): Promise<TestDatabase> {
    const database = new TestDatabase(server);
    const documents = Array.from({ length: 4000 }, (_, number) => ({ _id: number as never, group: number % 7 }));
    await database.documents.collection('many').insertMany(documents);
    return database;
  }

  async drop(): Promise<void> {
    await this.documents.dropDatabase();
    await this.witness.close();
    await this.executor.close();
    rmSync(this.spoolFolder, { recursive: true, force: true });
  }

  /** Leaves nothing but `many`, of the tests before and of an earlier try of this one. */
  async empty(): Promise<void> {
    for (const { name } of await this.documents.listCollections({}, { nameOnly: true }).toArray())
      if (name !== 'many') await this.documents.dropCollection(name);
  }

  /** What is there, as the witness sees it. */
  get documents(): Db {
    return this.witness.db(this.name);
  }

  target(changes: Record<string, unknown> = {}): Record<string, unknown> {
    const { host, port, user } = this.server;
    return { host, port, user, secret_ref: 'login', db: this.name, ...changes };
  }

  work(command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Work {
    return {
      command: typeof command === 'string' ? command : JSON.stringify(command),
      params: { target: this.target(), ...params },
      credentials: { login: { data: { password: this.server.password }, allowedHosts: undefined } },
      ...changes,
    };
  }

  run(command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Promise<Execution> {
    return execute(this.executor, this.work(command, params, changes));
  }

  /** All documents of a collection, by their ids. */
  stored(collection: string): Promise<Document[]> {
    return this.documents.collection(collection).find().sort({ _id: 1 }).toArray();
  }
}
