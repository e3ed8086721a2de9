import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest } from '../status-error.ts';

/** Whether an object is selected. */
export type FieldSelector = (object: KubeObject) => boolean;

/** What of a kind says which fields selectors may name. */
type Offer = Pick<ResourceDefinition, 'selectableFields' | 'namespaced'> & Partial<Pick<ResourceDefinition, 'custom'>>;

interface Term {
  readonly path: string;
  readonly negated: boolean;
  readonly value: string;
}

/**
 * Parses a field selector such as `spec.agent=a,status.state!=Failed`. Throws 400 in the words of the real server
 * (apimachinery/pkg/fields), also for fields that the kind does not offer.
 */
export function parseFieldSelector(text: string, definition: Offer): FieldSelector {
  const terms = splitTerms(text)
    .sort()
    .filter((term) => term !== '')
    .map((term) => parseTerm(text, term));
  const tests = terms.map((term) => {
    if (!isOffered(term.path, definition)) throw notOffered(term.path, definition);
    return testOf(term);
  });
  return (object) => tests.every((test) => test(object));
}

/** Splits at commas that no backslash stands before. */
function splitTerms(text: string): string[] {
  return text.match(/(?:\\[\s\S]|[^,\\])+/g) ?? [];
}

function parseTerm(selector: string, term: string): Term {
  const match = /^([\s\S]*?)(!=|==|=)([\s\S]*)$/.exec(term);
  if (match === null) throw badRequest(`invalid selector: '${selector}'; can't understand '${term}'`);
  const [, path = '', operator, value = ''] = match;
  return { path, negated: operator === '!=', value: unescape(value) };
}

function unescape(value: string): string {
  return value.replace(/\\([\s\S]?)|[,=]/g, (found, escaped?: string) => {
    if (escaped === undefined)
      throw badRequest(`invalid field selector: unescaped character in value: ${found.charCodeAt(0)}`);
    if (!['\\', ',', '='].includes(escaped))
      throw badRequest(`invalid field selector: invalid escape sequence: \\${escaped}`);
    return escaped;
  });
}

/** Built-in kinds without fields of their own are answered for by apimachinery, the others each for themselves. */
function notOffered(path: string, { selectableFields, custom }: Offer): Error {
  return custom !== false || selectableFields.length > 0
    ? badRequest(`field label not supported: ${path}`)
    : badRequest(`${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`);
}

function isOffered(path: string, { selectableFields, namespaced }: Offer): boolean {
  return path === 'metadata.name' || (namespaced && path === 'metadata.namespace') || selectableFields.includes(path);
}

function testOf({ path, negated, value }: Term): FieldSelector {
  const read = readerOf(path);
  return negated ? (object) => read(object) !== value : (object) => read(object) === value;
}

/** The text of a field; an absent one reads as empty. */
export function readerOf(path: string): (object: KubeObject) => string {
  const names = path.split('.');
  return (object) => {
    let value: unknown = object;
    for (const name of names) {
      if (typeof value !== 'object' || value === null) return '';
      value = (value as Record<string, unknown>)[name];
    }
    return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  };
}
