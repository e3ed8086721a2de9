/** Reads what a JSONPath finds in an object, in order. */
export type JsonPath = (object: unknown) => unknown[];

type Step = (values: readonly unknown[]) => unknown[];

class JsonPathError extends Error {
  override readonly name = 'JsonPathError';
}

/**
 * Compiles the JSONPath of a printer column (client-go/util/jsonpath without braces): `.a.b`, `['a.b']`, `[0]`, `[-1]`,
 * `[1:3]`, `[*]`, `..name`, and filters such as `[?(@.type=="Ready")]`. Throws when it cannot be read.
 */
export function compileJsonPath(path: string): JsonPath {
  const steps: Step[] = [];
  let rest = path.trim();
  while (rest !== '') {
    const [step, length] = readStep(rest);
    steps.push(step);
    rest = rest.slice(length);
  }
  return (object) => steps.reduce<unknown[]>((values, step) => step(values), [object]);
}

/** Why a path cannot be read; undefined when it can. */
export function checkJsonPath(path: string): string | undefined {
  if (!path.startsWith('.')) return 'must be a simple json path starting with .';
  try {
    compileJsonPath(path);
    return undefined;
  } catch (error) {
    if (error instanceof JsonPathError) return error.message;
    throw error;
  }
}

function readStep(rest: string): [step: Step, length: number] {
  const recursive = /^\.\.([A-Za-z_][\w-]*|\*)/.exec(rest);
  if (recursive !== null)
    return [(values) => values.flatMap((value) => descend(value, recursive[1] ?? '')), recursive[0].length];
  const name = /^\.((?:[^.[\]\\\s]|\\.)+)/.exec(rest);
  if (name !== null) {
    const key = (name[1] ?? '').replace(/\\(.)/g, '$1');
    return [key === '*' ? all : member(key), name[0].length];
  }
  const quoted = /^\['((?:[^'\\]|\\.)*)'\]|^\["((?:[^"\\]|\\.)*)"\]/.exec(rest);
  if (quoted !== null) return [member((quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1')), quoted[0].length];
  const slice = /^\[(-?\d*):(-?\d*)\]/.exec(rest);
  if (slice !== null) {
    const [from, to] = [slice[1], slice[2]].map((text) => (text ? Number(text) : undefined));
    return [
      (values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]).slice(from, to) : [])),
      slice[0].length,
    ];
  }
  const index = /^\[(-?\d+)\]/.exec(rest);
  if (index !== null) {
    const at = Number(index[1]);
    return [
      (values) =>
        values.flatMap((value) =>
          Array.isArray(value) && value.at(at) !== undefined ? [value.at(at) as unknown] : [],
        ),
      index[0].length,
    ];
  }
  if (rest.startsWith('[*]')) return [all, 3];
  const filter = /^\[\?\((.*?)\)\]/.exec(rest);
  if (filter !== null) return [filterStep(filter[1] ?? ''), filter[0].length];
  if (rest === '.') return [(values) => [...values], 1];
  throw new JsonPathError(`unrecognized part of a JSONPath: ${rest}`);
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const member =
  (key: string): Step =>
  (values) =>
    values.flatMap((value) => (isContainer(value) && Object.hasOwn(value, key) ? [value[key]] : []));

const all: Step = (values) => values.flatMap((value) => (isContainer(value) ? Object.values(value) : []));

function descend(value: unknown, key: string): unknown[] {
  if (!isContainer(value)) return [];
  const here =
    key === '*' ? Object.values(value) : Object.hasOwn(value, key) && !Array.isArray(value) ? [value[key]] : [];
  return [...here, ...Object.values(value).flatMap((below) => descend(below, key))];
}

type Operand = (item: unknown) => unknown;

/** `@.type=="Ready"`, `@.count>3`, `@.name`. */
function filterStep(text: string): Step {
  const match = /^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$/.exec(text.trim());
  if (match === null) {
    const exists = operand(text.trim());
    return (values) =>
      values.flatMap((value) =>
        Array.isArray(value) ? (value as unknown[]).filter((item) => exists(item) !== undefined) : [],
      );
  }
  const [left, right] = [operand(match[1] ?? ''), operand(match[3] ?? '')];
  const operator = match[2];
  const holds = (item: unknown): boolean => {
    const [a, b] = [left(item), right(item)];
    if (a === undefined || b === undefined) return false;
    if (operator === '==') return a === b;
    if (operator === '!=') return a !== b;
    if (typeof a !== typeof b) return false;
    const order = (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
    return operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0;
  };
  return (values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]).filter(holds) : []));
}

function operand(text: string): Operand {
  const trimmed = text.trim();
  const quoted = /^"((?:[^"\\]|\\.)*)"$|^'((?:[^'\\]|\\.)*)'$/.exec(trimmed);
  if (quoted !== null) {
    const value = (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/g, '$1');
    return () => value;
  }
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return () => Number(trimmed);
  if (trimmed === 'true' || trimmed === 'false') return () => trimmed === 'true';
  if (!trimmed.startsWith('@')) throw new JsonPathError(`unrecognized part of a filter: ${trimmed}`);
  const path = compileJsonPath(trimmed.slice(1));
  return (item) => path(item)[0];
}
