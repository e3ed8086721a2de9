/** What belongs to the server itself. */
const SYSTEM: ReadonlySet<string> = new Set(['mysql', 'sys', 'information_schema', 'performance_schema']);

/** Says which tables are read. */
export class TableFilter {
  readonly #databases: ReadonlySet<string> | undefined;
  readonly #tables: readonly RegExp[] | undefined;
  readonly #known = new Map<string, boolean>();

  /** `databases`: their names; `tables`: `database.table`, each of which may hold `*`. Undefined: all. */
  constructor(options: {
    readonly databases: readonly string[] | undefined;
    readonly tables: readonly string[] | undefined;
    readonly except?: { readonly schema: string; readonly table: string } | undefined;
  }) {
    const { databases, tables, except } = options;
    this.#databases = databases === undefined ? undefined : new Set(databases);
    this.#tables = tables?.map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's'));
    if (except !== undefined) this.#known.set(`${except.schema}.${except.table}`, false);
  }

  hasDatabase(schema: string): boolean {
    return !SYSTEM.has(schema.toLowerCase()) && (this.#databases?.has(schema) ?? true);
  }

  has(schema: string, table: string): boolean {
    const name = `${schema}.${table}`;
    let known = this.#known.get(name);
    if (known === undefined) {
      known = this.hasDatabase(schema) && (this.#tables?.some((pattern) => pattern.test(name)) ?? true);
      this.#known.set(name, known);
    }
    return known;
  }
}

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
