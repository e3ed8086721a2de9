import { invalid } from '../field-error.ts';
import { labelValueErrors, qualifiedNameErrors } from '../schema/names.ts';
import { badRequest } from '../status-error.ts';

/** Whether an object with these labels is selected. */
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

const SYMBOLS = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const OPERATORS = ['in', 'notin', '=', '==', '!=', 'gt', 'lt'];

/** Words and symbols of a selector; the end is an empty word. */
function scan(text: string): string[] {
  const tokens = text.match(/==|!=|[=!(),<>]|[^\s=!(),<>]+/g) ?? [];
  return [...tokens, ''];
}

/**
 * Parses a label selector such as `app=web,tier in (a, b),!old`. Throws 400 in the words of the real server
 * (apimachinery/pkg/labels).
 */
export function parseLabelSelector(text: string): LabelSelector {
  return new Parser(scan(text)).parse();
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): LabelSelector {
    const requirements: LabelSelector[] = [];
    for (;;) {
      const token = this.#peek();
      if (token === '') break;
      if (SYMBOLS.has(token) && token !== '!')
        throw badRequest(`found '${token}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.#requirement());
      const next = this.#next();
      if (next === '') break;
      if (next !== ',') throw badRequest(`found '${next}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after === '' || (SYMBOLS.has(after) && after !== '!'))
        throw badRequest(`found '${after}', expected: identifier after ','`);
    }
    return (labels) => requirements.every((matches) => matches(labels));
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#peek();
    if (this.#at < this.#tokens.length) this.#at += 1;
    return token;
  }

  #fail(why: string): never {
    throw badRequest(`unable to parse requirement: ${why}`);
  }

  #requirement(): LabelSelector {
    const negated = this.#peek() === '!';
    if (negated) this.#next();
    const key = this.#next();
    if (key === '' || SYMBOLS.has(key)) this.#fail(`found '${key}', expected: identifier`);
    const wrong = qualifiedNameErrors(key);
    if (wrong.length > 0) this.#fail(errorText('<nil>', key, wrong));
    const next = this.#peek();
    if (negated) return (labels) => !Object.hasOwn(labels, key);
    if (next === '' || next === ',') return (labels) => Object.hasOwn(labels, key);
    return this.#comparison(key);
  }

  #comparison(key: string): LabelSelector {
    const operator = this.#next();
    switch (operator) {
      case 'in':
      case 'notin': {
        const values = this.#checked(key, this.#values());
        return operator === 'in'
          ? (labels) => Object.hasOwn(labels, key) && values.has(labels[key] ?? '')
          : (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key] ?? '');
      }
      case '=':
      case '==':
      case '!=': {
        const [value = ''] = this.#checked(key, [this.#value()]);
        return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
      }
      case '>':
      case '<': {
        const value = this.#value();
        if (!/^[+-]?\d+$/.test(value))
          this.#fail(errorText('values[0]', value, ["for 'Gt', 'Lt' operators, the value must be an integer"]));
        const bound = Number(value);
        const number = (labels: Readonly<Record<string, string>>): number => {
          const label = labels[key] ?? '';
          return /^[+-]?\d+$/.test(label) ? Number(label) : NaN;
        };
        return operator === '>' ? (labels) => number(labels) > bound : (labels) => number(labels) < bound;
      }
      default:
        return this.#fail(`found '${operator}', expected: ${OPERATORS.join(', ')}`);
    }
  }

  /** The value after `=`; nothing there means the empty value. */
  #value(): string {
    const token = this.#peek();
    if (token === '' || token === ',') return '';
    if (SYMBOLS.has(token)) this.#fail(`found '${token}', expected: identifier`);
    return this.#next();
  }

  /** The values in parentheses, of which any may be empty. */
  #values(): string[] {
    const open = this.#next();
    if (open !== '(') this.#fail(`found '${open}' expected: '('`);
    const values: string[] = [];
    let word: string | undefined;
    for (;;) {
      const token = this.#next();
      if (token === ')') return [...values, word ?? ''];
      if (token === ',') {
        values.push(word ?? '');
        word = undefined;
      } else if (token === '' || SYMBOLS.has(token) || word !== undefined) {
        this.#fail(
          word === undefined
            ? `found '${token}', expected: ',', ')' or identifier`
            : `found '${token}', expected: ',' or ')'`,
        );
      } else word = token;
    }
  }

  #checked(key: string, values: readonly string[]): ReadonlySet<string> {
    values.forEach((value, index) => {
      const wrong = labelValueErrors(value);
      if (wrong.length > 0) this.#fail(errorText(`values[${index}][${key}]`, value, wrong));
    });
    return new Set(values);
  }
}

function errorText(field: string, value: string, wrong: readonly string[]): string {
  return `${field}: ${invalid(field, value, wrong.join('; ')).message}`;
}
