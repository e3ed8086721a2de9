import { parseTableMap } from '../../../../executors/mysql/binlog/events/table-map.ts';
import type { TableMap } from '../../../../executors/mysql/binlog/events/table-map.ts';
import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import type { ColumnCodec } from '../../../../executors/mysql/binlog/rows/column-codec.ts';
import { tableCodecs } from '../../../../executors/mysql/binlog/rows/table-codecs.ts';
import type { LogServer } from '../../../../executors/mysql/binlog/rows/table-codecs.ts';
import { PositionLostError } from '../../../source.ts';
import type { WantedFields } from '../../../source.ts';
import type { TableFilter } from '../table-filter.ts';
import type { TableShapes } from '../table-shapes.ts';
import type { CharsetDecoders, TextDecoding } from '../values/charset-decoder.ts';
import { loggedColumn } from '../values/logged-column.ts';
import type { LoggedColumn } from '../values/logged-column.ts';
import { chosenFields } from '../wanted-columns.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { PresentColumns } from './present-columns.ts';
import { factsOfLog } from './log-facts.ts';
import type { LogFact } from './log-facts.ts';

/** How rows of a table become rows for consumers. */
export interface TablePlan {
  readonly schema: string;
  readonly table: string;
  /** One for each column of the table, in its order. */
  readonly columns: readonly PlannedColumn[];
  readonly fields: readonly string[];
  /** Names of the columns of the key; undefined: nothing tells rows apart. */
  readonly key: readonly string[] | undefined;
}

export interface PlannedColumn {
  readonly name: string;
  readonly codec: ColumnCodec;
  /** Undefined: nobody wants it. */
  readonly toJson: LoggedColumn | undefined;
  readonly inKey: boolean;
}

export interface PlanContext {
  readonly server: LogServer;
  readonly filter: TableFilter;
  readonly shapes: TableShapes;
  readonly decoders: CharsetDecoders;
  readonly wanted: WantedFields;
  readonly present: PresentColumns;
  /** Where the transaction begins that is being read. */
  readonly place: () => BinlogPosition;
}

interface Known {
  readonly body: Buffer;
  readonly wanted: readonly string[] | undefined;
  readonly plan: TablePlan | undefined;
}

const utf8: TextDecoding = (bytes, from, to) => bytes.toString('utf8', from, to);

/** Knows the tables of a log by the numbers under which it names them. */
export class TablePlans {
  readonly #context: PlanContext;
  readonly #known = new Map<number, Known>();

  constructor(context: PlanContext) {
    this.#context = context;
  }

  /** Of a table that was named; undefined also for one that is not to be read. */
  get(tableId: number): TablePlan | undefined {
    return this.#known.get(tableId)?.plan;
  }

  isKnown(tableId: number): boolean {
    return this.#known.has(tableId);
  }

  /** Takes the body of a table map; a promise is to be waited for. Rejects with `PositionLostError` where the log can be read no further, or as the sessions do. */
  name(body: Buffer): Promise<void> | undefined {
    const id = body.readUIntLE(0, 6);
    const wanted = this.#context.wanted();
    const known = this.#known.get(id);
    // Restarted servers count anew: only the same words mean the same table in the same form.
    if (known?.body.equals(body) === true && known.wanted === wanted) return undefined;
    const map = parseTableMap(body);
    if (!this.#context.filter.has(map.schema, map.table)) {
      this.#known.set(id, { body: Buffer.from(body), wanted, plan: undefined });
      return undefined;
    }
    return this.#plan(map, wanted).then((plan) => {
      this.#known.set(id, { body: Buffer.from(body), wanted, plan });
    });
  }

  /** Another file of the log, or a table that was altered: what was known may be so no more. */
  forget(): void {
    this.#known.clear();
    this.#context.shapes.forget();
  }

  async #plan(map: TableMap, wanted: readonly string[] | undefined): Promise<TablePlan | undefined> {
    const { schema, table, metadata } = map;
    const { server, shapes, present, place } = this.#context;
    const told = factsOfLog(map, server);
    const facts = told === undefined ? (await present.at(place(), schema, table)).columns : await this.#factsFrom(told);
    const places = told === undefined ? undefined : metadata.primaryKey;
    const key = places?.map((place) => facts[place]?.name ?? '') ?? (await shapes.get(schema, table))?.key;
    const chosen = chosenFields({ schema, table, columns: facts.map(({ name }) => name), key }, wanted);
    if (chosen === undefined) return undefined;
    const codecs = tableCodecs(map, facts, server);
    if (typeof codecs === 'string') throw mismatch(map, codecs);
    const columns: PlannedColumn[] = [];
    for (const [index, fact] of facts.entries()) {
      const codec = codecs[index];
      if (codec === undefined) throw mismatch(map, 'the log has another number of columns');
      const isChosen = chosen.has(fact.name);
      const decode = isChosen && fact.charset !== undefined ? await this.#decoding(fact.charset) : utf8;
      const toJson = isChosen ? loggedColumn(fact, decode) : undefined;
      columns.push({ name: fact.name, codec, toJson, inKey: key?.includes(fact.name) ?? false });
    }
    return { schema, table, columns, fields: [...chosen], key };
  }

  async #factsFrom(told: readonly LogFact[]): Promise<readonly ColumnFact[]> {
    const facts: ColumnFact[] = [];
    for (const { members, type, ...fact } of told) {
      const decode = members.length > 0 && fact.charset !== undefined ? await this.#decoding(fact.charset) : utf8;
      facts.push({ ...fact, type: type(members.map((member) => decode(member, 0, member.length))) });
    }
    return facts;
  }

  async #decoding(charset: string): Promise<TextDecoding> {
    const { decoders, shapes } = this.#context;
    return decoders.known(charset) ?? decoders.load(charset, shapes.session);
  }
}

/** Rows that cannot be told for certain are not told at all: the log is of no use from here on. */
export const mismatch = ({ schema, table }: { schema: string; table: string }, why: string): PositionLostError =>
  new PositionLostError(
    `rows of ${schema}.${table} cannot be read from the log: ${why}. With binlog_row_metadata=FULL the log itself tells its columns`,
  );
