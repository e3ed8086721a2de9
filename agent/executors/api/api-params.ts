export interface ApiParams {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly secret: string | undefined;
  readonly body: Buffer | undefined;
  /** What the body is when no header says so. */
  readonly bodyType: string | undefined;
  readonly verify: boolean | undefined;
  readonly follow: boolean;
}

/** Reads the parameters of an api task; a string is what is wrong with them. */
export function parseApiParams(command: string, params: Readonly<Record<string, unknown>>): ApiParams | string {
  const method = command.trim() === '' ? 'GET' : command.trim().toUpperCase();
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method) || method === 'CONNECT') return `command must be an HTTP method, such as GET`;
  const { url: address, headers = {}, headers_secret_ref: secret, body, verify_ssl: verify } = params;
  if (typeof address !== 'string' || address.trim() === '') return 'url is required in params';
  const url = URL.parse(address.trim());
  if (url === null) return 'params.url is not a URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'params.url must begin with http:// or https://';
  if (url.username !== '' || url.password !== '')
    return 'params.url may not hold user information; name a Secret in headers_secret_ref';
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    return 'params.headers must be a map of names to strings';
  if (secret !== undefined && typeof secret !== 'string')
    return 'params.headers_secret_ref must be the name of a Secret';
  if (verify !== undefined && typeof verify !== 'boolean') return 'params.verify_ssl must be true or false';
  const follow = params['follow_redirects'] ?? true;
  if (typeof follow !== 'boolean') return 'params.follow_redirects must be true or false';
  const isText = typeof body === 'string';
  const hasBody = body !== undefined && body !== null && body !== '';
  return {
    method,
    url,
    headers: headers as Record<string, unknown>,
    secret,
    body: hasBody ? Buffer.from(isText ? body : JSON.stringify(body)) : undefined,
    bodyType: hasBody ? (isText ? 'text/plain' : 'application/json') : undefined,
    verify,
    follow,
  };
}
