/** What the words of a statement, outside its quotes and comments, say about where it ends. */
export class StatementWords {
  #first: string[] = [];
  #previous = '';
  #copy = false;
  /** How deep in BEGIN ATOMIC … CASE … END … END of a routine. */
  #bodyDepth = 0;

  reset(): void {
    if (this.#first.length === 0) return;
    this.#first = [];
    this.#previous = '';
    this.#copy = false;
    this.#bodyDepth = 0;
  }

  /** Whether a further word can still matter. Most statements settle that with their first. */
  get watching(): boolean {
    const first = this.#first[0];
    return first === undefined || first === 'create' || first === 'copy' || first === 'set';
  }

  /** Whether it is COPY … FROM stdin: its data follows. */
  get copy(): boolean {
    return this.#copy;
  }

  /** Whether a semicolon is inside a routine's body in the SQL standard's manner. */
  get inBody(): boolean {
    return this.#bodyDepth > 0;
  }

  /** Whether it is a SET of this setting. */
  sets(setting: string): boolean {
    return this.#first[0] === 'set' && this.#first.includes(setting);
  }

  /** `word` in lower case; `depth` is how many round brackets are open. */
  add(word: string, depth: number): void {
    if (this.#first.length < 4) this.#first.push(word);
    if (depth === 0) {
      if (this.#first[0] === 'copy') this.#copy ||= word === 'stdin' && this.#previous === 'from';
      else if (this.#isRoutine()) this.#addToRoutine(word);
    }
    this.#previous = word;
  }

  #addToRoutine(word: string): void {
    if (this.#bodyDepth === 0) this.#bodyDepth = word === 'atomic' && this.#previous === 'begin' ? 1 : 0;
    else if (word === 'case') this.#bodyDepth += 1;
    else if (word === 'end') this.#bodyDepth -= 1;
  }

  #isRoutine(): boolean {
    const [create, second = '', third, fourth = ''] = this.#first;
    if (create !== 'create') return false;
    const kind = second === 'or' && third === 'replace' ? fourth : second;
    return kind === 'function' || kind === 'procedure';
  }
}
