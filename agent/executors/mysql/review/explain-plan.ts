/** A line of EXPLAIN in its tabular form: values are text. */
export type PlanRow = Readonly<Record<string, string | null>>;

/** What a server estimates of a query. */
export interface Estimate {
  /** Rows that it would find; undefined: the plan does not say. */
  readonly rows: number | undefined;
  /** Tables that it would read as a whole, and how many rows these have. */
  readonly scans: readonly { readonly table: string; readonly rows: number }[];
  /** It reads every row and checks none: the condition is true of all. */
  readonly unfiltered: boolean;
}

const NOTHING_FOUND = /impossible where|no matching (?:min\/max )?row|impossible having/i;

/**
 * Reads what EXPLAIN FORMAT=TRADITIONAL says of a SELECT. Of one table its rows count, whatever the condition leaves of
 * them; of a join the product of what is left; of a UNION the sum.
 */
export function readPlan(plan: readonly PlanRow[]): Estimate {
  if (plan.length === 0) return { rows: undefined, scans: [], unfiltered: false };
  const first = plan[0];
  const groups = new Map<string, PlanRow[]>();
  for (const row of plan) {
    const isMain = row['id'] === first?.['id'] || row['select_type'] === 'UNION';
    if (!isMain || row['select_type'] === 'UNION RESULT' || row['id'] === null) continue;
    const id = row['id'] ?? '';
    groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  const counts = [...groups.values()].map(rowsOf);
  const scans = plan
    .filter((row) => isScan(row) && !(row['table'] ?? '<').startsWith('<'))
    .map((row) => ({ table: row['table'] ?? '', rows: Number(row['rows'] ?? 0) }));
  return {
    rows: counts.reduce<number | undefined>(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      0,
    ),
    scans,
    unfiltered:
      plan.length === 1 &&
      first !== undefined &&
      isScan(first) &&
      !/using (?:where|index condition)/i.test(first['Extra'] ?? ''),
  };
}

const isScan = ({ type }: PlanRow): boolean => type === 'ALL' || type === 'index';

function rowsOf(rows: readonly PlanRow[]): number | undefined {
  const [first] = rows;
  if (first?.['rows'] === null || first?.['rows'] === undefined) {
    const extra = first?.['Extra'] ?? '';
    if (NOTHING_FOUND.test(extra)) return 0;
    return /no tables used|optimized away/i.test(extra) ? 1 : undefined;
  }
  if (rows.length === 1) return Number(first['rows']);
  let product = 1;
  for (const { rows: count, filtered } of rows) product *= (Number(count ?? 1) * Number(filtered ?? 100)) / 100;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(product));
}

/** Reads the text of Doris' EXPLAIN: the first node is the one that gives the rows. */
export function readDorisPlan(lines: readonly string[]): Estimate {
  for (const line of lines) {
    const found = /\bcardinality=([\d,]+)/.exec(line)?.[1];
    if (found !== undefined) return { rows: Number(found.replaceAll(',', '')), scans: [], unfiltered: false };
  }
  return { rows: undefined, scans: [], unfiltered: false };
}
