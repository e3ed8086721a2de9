import { loadAll, YAMLException } from 'js-yaml';
import { K8sFailure } from '../k8s-failure.ts';
import { splitJson } from './split-json.ts';
import { InexactNumber, KUBECTL_SCHEMA } from './kubectl-schema.ts';

export type JsonObject = Record<string, unknown>;

/** A value of YAML or JSON, and which document of the text it was, from 1; items of a List share its number. */
export interface ParsedDocument {
  readonly number: number;
  readonly value: unknown;
}

/** The API server takes 3 MiB in one request; beyond some of those it is no manifest that people wrote. */
export const MAX_MANIFEST_CHARS = 4 * 1024 * 1024;
const MAX_DOCUMENTS = 1000;
/** Far above any manifest; aliases that name aliases get there with a few lines. */
const MAX_NODES = 1_000_000;
/** As js-yaml's own bound, which does not count what aliases bring. */
const MAX_DEPTH = 100;

/**
 * Reads every document of a text. Empty documents are left out. Throws `K8sFailure` with line and column, but never with
 * a piece of the text, which may be a Secret's.
 */
export function parseDocuments(text: string): ParsedDocument[] {
  if (text.length > MAX_MANIFEST_CHARS)
    throw unreadable(`the text has more than ${MAX_MANIFEST_CHARS} characters; split it into several tasks`);
  const values = loadDocuments(text);
  boundCount(values.length);
  const budget = { nodes: MAX_NODES };
  return values.flatMap((value, index) => {
    if (value === null || value === undefined) return [];
    check(value, budget, MAX_DEPTH, index + 1);
    return [{ number: index + 1, value }];
  });
}

/** JSON documents may also follow each other without a marker, as kubectl takes them; that is never YAML. */
function loadDocuments(text: string): unknown[] {
  try {
    return load(text);
  } catch (err) {
    const pieces = splitJson(text, MAX_DOCUMENTS);
    if (pieces.length < 2) throw err;
    // Before they are read: millions of small ones would take minutes.
    boundCount(pieces.length);
    return pieces.flatMap((piece) => load(piece.text, piece));
  }
}

function boundCount(documents: number): void {
  if (documents > MAX_DOCUMENTS)
    throw unreadable(`there are more than ${MAX_DOCUMENTS} documents; split them into several tasks`);
}

function load(text: string, start = { line: 0, column: 0 }): unknown[] {
  try {
    return loadAll(text, { schema: KUBECTL_SCHEMA });
  } catch (err) {
    if (err instanceof YAMLException) {
      throw unreadable(`${reasonOf(err)}${placeOf(err, start)}`);
    }
    if (err instanceof InexactNumber) throw unreadable(`${err.message}; write it as a string`);
    throw err;
  }
}

function placeOf({ mark }: YAMLException, start: { line: number; column: number }): string {
  if (mark === undefined || mark === null) return '';
  const column = mark.line === 0 ? start.column + mark.column : mark.column;
  return ` (line ${start.line + mark.line + 1}, column ${column + 1})`;
}

/** The parser's reason may quote a tag or an alias, but must not quote a value. */
function reasonOf(err: YAMLException): string {
  return err.reason.replace(/unknown scalar tag .*/s, 'unknown tag').slice(0, 200);
}

/** Bounds what is walked and written later, where an alias counts as often as it is used. */
function check(value: unknown, budget: { nodes: number }, depth: number, number: number): void {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw unreadable(`the documents hold more than ${MAX_NODES} values, aliases counted`);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw unreadable(`document ${number}: .inf and .nan have no JSON`);
  if (typeof value !== 'object' || value === null) return;
  if (depth === 0) throw unreadable(`document ${number}: nested more than ${MAX_DEPTH} levels deep`);
  for (const member of Object.values(value)) check(member, budget, depth - 1, number);
}

export function unreadable(why: string): K8sFailure {
  return new K8sFailure('InvalidManifest', `failed to parse YAML or JSON: ${why}`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
