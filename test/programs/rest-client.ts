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

/** Calls the REST API of a running program. */
export class RestClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async get<T = Record<string, unknown>>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Undefined when there is no answer, or not the right one. */
  async tryGet(path: string): Promise<Record<string, unknown> | undefined> {
    return this.get(path).catch(() => undefined);
  }

  async post<T = RestTask>(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
