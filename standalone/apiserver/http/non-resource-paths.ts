import type { Authorizer } from '../auth/authorizer.ts';
import type { Registry } from '../registry.ts';
import { forbidden, pathNotFound, verbNotAllowed } from '../status-error.ts';
import type { ApiRequest, ApiResponse, WholeResponse } from './api-call.ts';
import { ApiDescriptions } from './api-descriptions.ts';
import { json, pageNotFound, text } from './json-response.ts';
import type { RequestMetrics } from './request-metrics.ts';

/** What `kubectl version` shows; clients take the two numbers to tell what the server can do. */
const VERSION = JSON.stringify({
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3+tiangong',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
});

const PLAIN = 'text/plain; charset=utf-8';

/** Answers paths that name no resource: health, version, metrics, discovery and OpenAPI. */
export class NonResourceHandler {
  readonly #authorizer: Authorizer;
  readonly #metrics: RequestMetrics;
  readonly #descriptions: ApiDescriptions;

  constructor(registry: Registry, authorizer: Authorizer, metrics: RequestMetrics) {
    this.#authorizer = authorizer;
    this.#metrics = metrics;
    this.#descriptions = new ApiDescriptions(registry);
  }

  answer(request: ApiRequest, path: string, query: URLSearchParams): ApiResponse {
    const { user, method } = request;
    const route = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    if (!this.#authorizer.mayRead(user, route))
      throw forbidden({ group: '', name: '' }, '', `User "${user.name}" cannot ${method.toLowerCase()} path "${path}"`);
    if (method !== 'GET' && method !== 'HEAD') throw verbNotAllowed();
    if (route === '/version') return json(200, VERSION);
    if (route === '/metrics') return text(this.#metrics.expose(), 'text/plain; version=0.0.4; charset=utf-8');
    if (/^\/(healthz|livez|readyz)(\/[\w-]+)?$/.test(route)) return text('ok', PLAIN);
    const description = this.#descriptions.answer(request, route, query);
    if (description !== undefined)
      return isKnown(request, description) ? { ...description, status: 304, body: '' } : description;
    if (path.startsWith('/api/')) throw pathNotFound();
    return pageNotFound();
  }
}

/** Whether the client has the document already. */
function isKnown({ ifNoneMatch }: ApiRequest, response: ApiResponse): response is WholeResponse {
  return ifNoneMatch !== undefined && !('stream' in response) && response.headers?.['etag'] === ifNoneMatch;
}
