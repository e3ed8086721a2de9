import { request } from 'undici';

/** A task as REST shows it: the fields of the manual. */
export interface RestTask {
  readonly id: string;
  readonly agent_id: string;
  readonly type: string;
  readonly status: string;
  readonly command: string;
  readonly params: string;
  readonly file_id: string;
  readonly result: string;
  readonly error: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** An uploaded file as REST shows it: the fields of the manual. */
export interface RestFile {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly content_type: string;
  readonly md5: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** Longer than any answer takes, also that to a synchronous create. */
const ANSWER_TIMEOUT_MS = 90_000;

/** Calls the REST API of a running program. Not by fetch, which costs three times as much and is part of what benchmarks measure. */
export class RestClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `token`: whose calls these are. */
  constructor(url: string, token?: string) {
    this.url = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  get<T = Record<string, unknown>>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  /** Undefined when there is no answer, or not the right one. */
  async tryGet(path: string): Promise<Record<string, unknown> | undefined> {
    return this.get(path).catch(() => undefined);
  }

  post<T = RestTask>(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    return this.#send('POST', path, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  }

  delete<T = Record<string, unknown>>(path: string): Promise<T> {
    return this.#send('DELETE', path);
  }

  /** Uploads a file as curl's `-F file=@…` does. A blob of `openAsBlob` is read as it is sent. */
  async upload(name: string, content: Blob): Promise<RestFile> {
    const form = new FormData();
    form.set('file', content, name);
    // By fetch: undici's request and its own FormData wait for each other.
    const response = await fetch(`${this.url}/api/v1/files`, { method: 'POST', body: form, headers: this.#headers });
    return parse('POST /files', response.status, await response.text());
  }

  async #send<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: string,
    headers?: Record<string, string>,
  ): Promise<T> {
    const url = `${this.url}/api/v1${path}`;
    const response = await request(url, {
      method,
      headersTimeout: ANSWER_TIMEOUT_MS,
      ...(body && { body }),
      headers: { ...this.#headers, ...headers },
    });
    const text = await response.body.text();
    return parse(`${method} ${path}`, response.statusCode, text);
  }
}

function parse<T>(what: string, status: number, text: string): T {
  if (status >= 300) throw new Error(`${what}: ${status} ${text}`);
  return JSON.parse(text) as T;
}
