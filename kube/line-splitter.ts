/** Far above the largest object that a server stores (1.5 MiB unless configured): what is longer is not a watch. */
const MAX_LINE_LENGTH = 32 * 1024 * 1024;

/** Splits a text that comes in pieces into its lines. Looks at each character once, however many pieces a line has. */
export class LineSplitter {
  #pieces: string[] = [];
  #length = 0;

  /** Returns the lines that end within this piece, without their line feeds and without empty ones. */
  push(piece: string): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', start)) {
      const line = this.#end(piece.slice(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < piece.length) this.#keep(start === 0 ? piece : piece.slice(start));
    return lines;
  }

  #end(last: string): string {
    if (this.#pieces.length === 0) return last;
    const line = this.#pieces.join('') + last;
    this.#pieces = [];
    this.#length = 0;
    return line;
  }

  #keep(piece: string): void {
    this.#length += piece.length;
    if (this.#length > MAX_LINE_LENGTH)
      throw new Error(`a line of the watch is longer than ${MAX_LINE_LENGTH} characters`);
    this.#pieces.push(piece);
  }
}
