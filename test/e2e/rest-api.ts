import { Agent, request } from 'undici';
import type { RestFile, RestTask } from '../programs/rest-client.ts';

export type { RestTask };

/** Longer than any answer takes, also that to a synchronous create. */
const ANSWER_TIMEOUT_MS = 90_000;

export interface RestApiOptions {
  /** Address of a node and the port there, where the API's Service listens. */
  readonly address: string;
  /** The name that the API's certificate is for. */
  readonly serverName: string;
  /** The CA of that certificate, as PEM. */
  readonly ca: string;
  readonly token: string;
}

/** Calls the release's REST API over TLS with a Kubernetes token, as one from outside does. */
export class RestApi {
  readonly #options: RestApiOptions;
  readonly #connections: Agent;

  constructor(options: RestApiOptions) {
    this.#options = options;
    const { ca, serverName } = options;
    // Not kept alive: after a pod is gone, its connections would be.
    this.#connections = new Agent({ connect: { ca, servername: serverName, timeout: 5000 }, keepAliveTimeout: 1 });
  }

  get<T = Record<string, unknown>>(path: string): Promise<T> {
    return this.#send('GET', path);
  }

  /** Creates something; the same `key` a second time answers with what the first made. */
  post<T = RestTask>(path: string, body: object = {}, key?: string): Promise<T> {
    const headers = { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) };
    return this.#send('POST', path, JSON.stringify(body), headers);
  }

  async upload(name: string, content: string): Promise<RestFile> {
    const mark = 'tiangong-e2e-boundary';
    const head = `--${mark}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: text/plain\r\n\r\n`;
    return this.#send('POST', '/files', `${head}${content}\r\n--${mark}--\r\n`, {
      'content-type': `multipart/form-data; boundary=${mark}`,
    });
  }

  close(): Promise<void> {
    return this.#connections.destroy();
  }

  async #send<T>(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const { address, token } = this.#options;
    const response = await request(`https://${address}/api/v1${path}`, {
      method,
      dispatcher: this.#connections,
      headersTimeout: ANSWER_TIMEOUT_MS,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body !== undefined && { body }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return JSON.parse(text) as T;
  }
}
