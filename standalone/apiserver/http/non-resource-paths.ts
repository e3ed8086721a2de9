import type { Authorizer } from '../auth/authorizer.ts';
import type { Registry } from '../registry.ts';
import { forbidden, pathNotFound } from '../status-error.ts';
import type { ApiRequest, ApiResponse } from './api-call.ts';
import { ApiDescriptions } from './api-descriptions.ts';
import { json, pageNotFound, text } from './json-response.ts';
import type { RequestMetrics } from './request-metrics.ts';

/** What `kubectl version` shows; kubectl takes the two numbers to tell what the server can do. */
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

/** Answers paths that name no resource: health, version, metrics, discovery and OpenAPI. */
export class NonResourceHandler {
  readonly #descriptions: ApiDescriptions;
  readonly #authorizer: Authorizer;
  readonly #metrics: RequestMetrics;

  constructor(registry: Registry, authorizer: Authorizer, metrics: RequestMetrics) {
    this.#descriptions = new ApiDescriptions(registry);
    this.#authorizer = authorizer;
    this.#metrics = metrics;
  }

  answer(request: ApiRequest, path: string, query: URLSearchParams): ApiResponse {
    if (!this.#authorizer.mayRead(request.user, path))
      throw forbidden({ group: '', name: '' }, '', `User "${request.user.name}" cannot get path "${path}"`);
    if (request.method !== 'GET' && request.method !== 'HEAD') throw pathNotFound();
    switch (path) {
      case '/version':
        return json(200, VERSION);
      case '/metrics':
        return text(this.#metrics.expose(), 'text/plain; version=0.0.4; charset=utf-8');
    }
    if (/^\/(healthz|livez|readyz)(\/[\w-]+)?$/.test(path)) return text('ok', 'text/plain; charset=utf-8');
    const description = this.#descriptions.answer(request, path, query);
    if (description !== undefined) return description;
    if (path.startsWith('/api/')) throw pathNotFound();
    return pageNotFound();
  }
}
