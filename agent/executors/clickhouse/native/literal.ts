/** A value as SQL writes it. */
export type Literal =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'array' | 'tuple'; readonly items: readonly Literal[] };

/** A literal is not exactly a value of the column's type: only the server can tell what it means there. */
export class NotPlain extends Error {
  override readonly name = 'NotPlain';

  constructor(literal: Literal, type: string) {
    super(`${describe(literal)} is not a value of the type ${type}`);
  }
}

function describe(literal: Literal): string {
  if (literal.kind === 'number') return literal.text.slice(0, 100);
  if (literal.kind === 'string') return JSON.stringify(literal.value.slice(0, 100));
  return literal.kind === 'null' ? 'NULL' : `an ${literal.kind === 'array' ? 'array' : 'expression in brackets'}`;
}
