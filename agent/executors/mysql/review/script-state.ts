import type { StatementShape } from './statement-shape.ts';
import { readName } from './table-references.ts';
import type { TableName } from './table-references.ts';

/** So many names that a script makes or unmakes are remembered; beyond, the server's word on names counts no more. */
const MAX_NAMES = 10_000;

/** What the statements before one would have made of its surroundings: a review executes none of them. */
export class ScriptState {
  /** By table, in lower case with its database: the statement that makes, changes or removes it. */
  readonly #touched = new Map<string, number>();
  readonly #databases = new Map<string, number>();
  #inTransaction = false;
  #isUnsure = false;
  /** The current database, where the server does not know it because the script makes it. */
  #newDatabase: string | undefined;

  /** The text's own transaction is open. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Something ran before of which nobody knows what it made, or in which mode text is read. */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /** The current database, if the script makes it itself. */
  get newDatabase(): string | undefined {
    return this.#newDatabase;
  }

  /** The statement that made or changed a table, if it is one of the script. */
  touchedBy({ schema, name }: TableName, current: string | undefined): number | undefined {
    const database = schema ?? this.#newDatabase ?? current ?? '';
    return this.#touched.get(id(database, name)) ?? this.#databases.get(database.toLowerCase());
  }

  /** Whether the script makes a database; by which statement. */
  madeDatabase(name: string): number | undefined {
    return this.#databases.get(name.toLowerCase());
  }

  /** USE was found to be of a database that is there, or not. */
  used(name: string, exists: boolean): void {
    this.#newDatabase = exists ? undefined : name;
  }

  /** To be called after the review of each statement. */
  follow(shape: StatementShape, number: number, current: string | undefined): void {
    const { kind, verb, tables, tokens } = shape;
    if (kind === 'begin') this.#inTransaction = true;
    if (kind === 'commit' || kind === 'rollback' || kind === 'ddl' || kind === 'lock') this.#inTransaction = false;
    if (kind === 'call' || (kind === 'other' && verb === 'BINLOG')) this.#isUnsure = true;
    if (kind === 'set' && tokens.list.some(({ text }) => /sql_mode|character_set_client/i.test(text)))
      this.#isUnsure = true;
    if (/^(?:CREATE|ALTER|DROP) DATABASE$/.test(verb)) this.#touchDatabase(shape, number);
    if (kind !== 'ddl' && kind !== 'set') return;
    for (const { schema, name, use } of tables)
      if (use === 'create' || use === 'alter' || use === 'drop')
        this.#remember(this.#touched, id(schema ?? this.#newDatabase ?? current ?? '', name), number);
  }

  #touchDatabase({ tokens }: StatementShape, number: number): void {
    let index = tokens.find(new Set(['DATABASE', 'SCHEMA']), 0, 0) + 1;
    if (tokens.word(index) === 'IF') index += tokens.word(index + 1) === 'NOT' ? 3 : 2;
    const name = readName(tokens, index)?.name;
    if (name !== undefined) this.#remember(this.#databases, name.toLowerCase(), number);
  }

  #remember(names: Map<string, number>, name: string, number: number): void {
    if (names.size < MAX_NAMES || names.has(name)) names.set(name, number);
    else this.#isUnsure = true;
  }
}

const id = (schema: string, name: string): string => JSON.stringify([schema.toLowerCase(), name.toLowerCase()]);
