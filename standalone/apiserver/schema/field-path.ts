/**
 * Where a walk over an object stands. One instance serves a whole walk, pushing on the way down and popping on the way
 * up; the text is made only for an error.
 */
export class FieldPath {
  readonly #segments: (string | number)[];

  /** `root` such as `status` when the walk starts at a part of the object. */
  constructor(root?: string) {
    this.#segments = root === undefined ? [] : [`.${root}`];
  }

  /** A segment as it stands in the text, with its dot or brackets, or an index. */
  push(segment: string | number): void {
    this.#segments.push(segment);
  }

  pop(): void {
    this.#segments.pop();
  }

  get depth(): number {
    return this.#segments.length;
  }

  /** As errors name a field: `spec.steps[0].name`, and `<nil>` for the object itself. */
  toString(): string {
    return this.#segments.length === 0 ? '<nil>' : this.text();
  }

  /** The same with nothing for the object itself. `more` is one more segment. */
  text(more = ''): string {
    let text = '';
    for (const segment of this.#segments) text += typeof segment === 'number' ? `[${segment}]` : segment;
    text += more;
    return text.startsWith('.') ? text.slice(1) : text;
  }
}
