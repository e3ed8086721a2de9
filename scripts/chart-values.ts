import { load } from 'js-yaml';

/** A part of a JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A value of the chart that somebody may set. */
export interface ChartValue {
  /** Its keys from the top. */
  readonly path: readonly string[];
  readonly description: string;
  /** As written in values.yaml. */
  readonly defaultValue: unknown;
  /** What `# @schema` says of it beyond what its default tells. */
  readonly schema: JsonSchema;
}

/**
 * Reads values.yaml: a value is a key with comments `# -- what it means` (more lines may follow) and maybe `# @schema {…}`
 * right above it. Throws when a key that holds no documented ones is not documented itself.
 */
export function readChartValues(text: string): ChartValue[] {
  const found: ChartValue[] = [];
  const values = load(text);
  const stack: { readonly indent: number; readonly key: string }[] = [];
  let comment: string[] = [];
  // Within a documented value everything is part of its default.
  let inside: number | undefined;
  for (const line of text.split('\n')) {
    const [, spaces = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? [];
    const indent = spaces.length;
    if (rest === '') {
      comment = [];
      continue;
    }
    if (rest.startsWith('#')) {
      comment.push(rest.slice(1).trim());
      continue;
    }
    if (inside !== undefined && indent > inside) {
      comment = [];
      continue;
    }
    const key = /^([\w-]+):/.exec(rest)?.[1];
    if (key === undefined) throw new Error(`values.yaml: no key in ${line}`);
    while ((stack.at(-1)?.indent ?? -1) >= indent) stack.pop();
    stack.push({ indent, key });
    const path = stack.map((one) => one.key);
    const defaultValue = at(values, path);
    inside = undefined;
    if (comment[0]?.startsWith('--') === true) {
      inside = indent;
      found.push({ path, defaultValue, ...readComment(comment) });
    } else if (!isMap(defaultValue) || Object.keys(defaultValue).length === 0)
      throw new Error(`values.yaml: ${path.join('.')} has no comment that begins with # --`);
    comment = [];
  }
  return found;
}

function readComment(lines: readonly string[]): Pick<ChartValue, 'description' | 'schema'> {
  const schema = lines.filter((line) => line.startsWith('@schema '));
  return {
    description: lines
      .filter((line) => !schema.includes(line))
      .join('\n')
      .replace(/^-- */, ''),
    schema:
      schema.length === 0 ? {} : (load(schema.map((line) => line.slice('@schema '.length)).join(' ')) as JsonSchema),
  };
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => (isMap(inner) ? inner[key] : undefined), value);
}
