const UID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const RECENT_MS = 3_600_000;
const PRECISION: Record<number, string> = { 0: 'seconds', 4: 'milliseconds', 7: 'microseconds', 10: 'nanoseconds' };

/**
 * Makes the answers of two servers comparable: what is random or depends on the moment gets a stable token. Equal values
 * get equal tokens, numbered in the order in which they appear, so that a change of uid or version still shows.
 */
export class Normaliser {
  readonly #tokens = new Map<string, string>();
  readonly #aliases: (readonly [string, string])[] = [];

  /** From now on `token` stands wherever `actual` does. */
  alias(actual: string, token: string): void {
    this.#aliases.push([actual, token]);
  }

  text(text: string): string {
    let result = text;
    for (const [actual, token] of this.#aliases) result = result.replaceAll(actual, token);
    return result
      .replace(UID, (uid) => this.#token('uid', uid))
      .replace(TIME, (time: string, fraction: string | undefined) =>
        Math.abs(Date.now() - Date.parse(time)) < RECENT_MS
          ? `<now, ${PRECISION[fraction?.length ?? 0] ?? 'odd precision'}>`
          : time,
      )
      .replace(/(ResourceVersion in record \()\d+/g, '$1<version>')
      .replace(/(resource version: )\d+( \(\d+\))?/gi, '$1<version>');
  }

  /** A JSON value with its keys sorted, so that tokens are numbered alike on both servers. */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(isInvalid(value) ? inOrder(value) : value).sort(([a], [b]) => (a < b ? -1 : 1));
    const isCollection = 'items' in value || 'rows' in value;
    return Object.fromEntries(
      entries.map(([key, child]) => [
        this.text(key),
        key === 'metadata' ? this.#metadata(child, isCollection) : this.value(child),
      ]),
    );
  }

  #metadata(metadata: unknown, isCollection: boolean): unknown {
    if (typeof metadata !== 'object' || metadata === null) return metadata;
    const copy: Record<string, unknown> = { ...metadata };
    const version = copy['resourceVersion'];
    // A list's version moves with every write on the server, also those of others.
    if (typeof version === 'string')
      copy['resourceVersion'] = isCollection ? '<version of the list>' : this.version(version);
    if (typeof copy['continue'] === 'string') copy['continue'] = '<continue>';
    return this.value(copy);
  }

  version(version: string): string {
    return this.#token('version', version);
  }

  #token(kind: string, actual: string): string {
    const key = `${kind} ${actual}`;
    let token = this.#tokens.get(key);
    if (token === undefined) {
      const number = [...this.#tokens.keys()].filter((other) => other.startsWith(kind)).length + 1;
      token = `<${kind} ${number}>`;
      this.#tokens.set(key, token);
    }
    return token;
  }
}

interface InvalidStatus {
  readonly message: string;
  readonly details: { readonly causes: readonly { readonly field?: string; readonly message: string }[] };
}

function isInvalid(value: object): value is InvalidStatus {
  const { reason, details } = value as { reason?: unknown; details?: { causes?: unknown } };
  return reason === 'Invalid' && Array.isArray(details?.causes);
}

/** A real server walks the fields of an object in an order that changes from call to call, and so do its complaints. */
function inOrder(status: InvalidStatus): InvalidStatus {
  const textOf = (cause: { readonly field?: string; readonly message: string }): string =>
    `${cause.field ?? ''}: ${cause.message}`;
  const causes = [...status.details.causes].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  const message = status.message.replace(status.details.causes.map(textOf).join(', '), () =>
    causes.map(textOf).join(', '),
  );
  return { ...status, message, details: { ...status.details, causes } };
}
