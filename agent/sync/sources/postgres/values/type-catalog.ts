import type { Queries } from '../server/queries.ts';
import { readerOf } from './value-readers.ts';
import type { TypeFacts, ValueReader } from './value-readers.ts';

/** What the types of a database are made of, asked for once each. */
export class TypeCatalog {
  readonly #queries: Queries;
  readonly #facts = new Map<number, TypeFacts>();

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  readonly factsOf = (oid: number): TypeFacts | undefined => this.#facts.get(oid);

  /** To be called before `factsOf` is asked for these and for what they are made of. */
  async learn(oids: readonly number[]): Promise<void> {
    for (let unknown = oids; ;) {
      unknown = [...new Set(unknown)].filter((oid) => !this.#facts.has(oid));
      if (unknown.length === 0) return;
      const rows = await this.#queries.rows(
        `SELECT t.oid, t.typtype, t.typbasetype, coalesce(e.oid, 0), t.typdelim FROM pg_type t LEFT JOIN pg_type e ON e.typarray = t.oid WHERE t.oid IN (${unknown.join(', ')})`,
      );
      const parts: number[] = [];
      for (const [oid, kind, base, element, delimiter] of rows) {
        const facts = {
          base: kind === 'd' ? Number(base) : undefined,
          element: kind !== 'd' && element !== '0' ? Number(element) : undefined,
          delimiter: delimiter ?? ',',
        };
        this.#facts.set(Number(oid), facts);
        parts.push(...[facts.base, facts.element].filter((part) => part !== undefined));
      }
      // A type that is gone: its values are text.
      for (const oid of unknown)
        if (!this.#facts.has(oid)) this.#facts.set(oid, { base: undefined, element: undefined, delimiter: ',' });
      unknown = parts;
    }
  }

  async readers(oids: readonly number[]): Promise<readonly ValueReader[]> {
    await this.learn(oids);
    return oids.map((oid) => readerOf(oid, this.factsOf));
  }
}
