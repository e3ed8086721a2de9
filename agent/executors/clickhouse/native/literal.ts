/** A value as SQL writes it. */
export type Literal =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'array' | 'tuple'; readonly items: readonly Literal[] };

/** A literal is no value of a type. */
export class Misfit extends Error {
  override readonly name = 'Misfit';
  /** The literal, or its beginning. */
  readonly shown: string;

  constructor(literal: Literal, type: string) {
    const shown = describe(literal);
    super(`${shown} is not a value of the type ${type}`);
    this.shown = shown;
  }
}

function describe(literal: Literal): string {
  if (literal.kind === 'number') return literal.text.slice(0, 100);
  if (literal.kind === 'string') return JSON.stringify(literal.value.slice(0, 100));
  return literal.kind === 'null' ? 'NULL' : literal.kind === 'array' ? 'an array' : 'a tuple';
}
