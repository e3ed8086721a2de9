/**
 * A text that comes in pieces, of which only what is not yet read is kept. What reads it looks at `text` from `pos` on
 * and moves `pos`; when it cannot tell without the next characters it leaves `pos` before them and asks for more.
 */
export class TextWindow {
  text = '';
  pos = 0;
  /** No further piece comes. */
  final = false;
  #line = 1;
  #counted = 0;

  /** Adds the next piece after what is not yet read. */
  feed(piece: string): void {
    this.lineAt(this.pos);
    this.text = this.pos < this.text.length ? this.text.slice(this.pos) + piece : piece;
    this.pos = 0;
    this.#counted = 0;
  }

  /** The line, from 1, of an offset in `text` that is not before the one asked for last. */
  lineAt(offset: number): number {
    for (;;) {
      const end = this.text.indexOf('\n', this.#counted);
      if (end < 0 || end >= offset) {
        this.#counted = Math.max(this.#counted, offset);
        return this.#line;
      }
      this.#line += 1;
      this.#counted = end + 1;
    }
  }
}
