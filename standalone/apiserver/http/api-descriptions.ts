import { aggregatedDiscovery, wantsAggregated } from '../discovery/aggregated-discovery.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/legacy-discovery.ts';
import { schemaName } from '../openapi/kind-schema.ts';
import { OPENAPI_V2_PROTOBUF, openapiV2 } from '../openapi/openapi-v2.ts';
import { OpenApiV3 } from '../openapi/openapi-v3.ts';
import type { Registry } from '../registry.ts';
import type { ApiRequest, ApiResponse } from './api-call.ts';
import { json, text } from './json-response.ts';

/** Discovery and OpenAPI documents of what is served now; they are made once for each set of kinds. */
export class ApiDescriptions {
  readonly #registry: Registry;
  readonly #answers = new Map<string, ApiResponse>();
  #openapi: OpenApiV3 | undefined;
  #generation = -1;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Undefined when the path names no document. */
  answer({ accept }: Pick<ApiRequest, 'accept'>, path: string, query: URLSearchParams): ApiResponse | undefined {
    if (this.#generation !== this.#registry.generation) {
      this.#generation = this.#registry.generation;
      this.#answers.clear();
      this.#openapi = undefined;
    }
    const isRoot = path === '/api' || path === '/apis';
    const aggregated = isRoot && wantsAggregated(accept);
    const key = `${path}${aggregated ? ' aggregated' : ''}${query.has('hash') ? ' hash' : ''}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const made = aggregated ? this.#aggregated(path) : this.#make(path, query.has('hash'));
    // Only documents that exist are kept, so the number of keys is bounded.
    if (made !== undefined) this.#answers.set(key, made);
    return made;
  }

  #aggregated(path: string): ApiResponse {
    const { body, etag, contentType } = aggregatedDiscovery(this.#registry.all, path === '/api');
    return {
      status: 200,
      contentType,
      body,
      headers: { etag: `"${etag}"`, vary: 'Accept', 'cache-control': 'public' },
    };
  }

  #make(path: string, hashed: boolean): ApiResponse | undefined {
    const kinds = this.#registry.all;
    if (path === '/api') return document(apiVersions(kinds));
    if (path === '/apis') return document(apiGroupList(kinds));
    if (path === '/openapi/v2') return this.#openapiV2();
    if (path === '/openapi/v3') return text(this.#openApi.index, 'text/plain; charset=utf-8');
    const [, description] = /^\/openapi\/v3\/(.+)$/.exec(path) ?? [];
    if (description !== undefined) return this.#description(description, hashed);
    const [, coreVersion] = /^\/api\/([^/]+)$/.exec(path) ?? [];
    if (coreVersion !== undefined) return document(apiResourceList(kinds, '', coreVersion));
    const [, group, version] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (group === undefined) return undefined;
    return document(version === undefined ? apiGroup(kinds, group) : apiResourceList(kinds, group, version));
  }

  /** Only as a protocol buffer, the form that kubectl asks for. */
  #openapiV2(): ApiResponse {
    const kinds = this.#registry.all.map((definition) => {
      const { group, version, kind, openapi } = definition;
      return { modelName: schemaName(definition), group, version, kind, schema: openapi };
    });
    return { status: 200, contentType: OPENAPI_V2_PROTOBUF, body: openapiV2(kinds, 'v1.36.3') };
  }

  #description(path: string, hashed: boolean): ApiResponse | undefined {
    const found = this.#openApi.document(path);
    if (found === undefined) return undefined;
    const headers = {
      etag: `"${found.etag}"`,
      vary: 'Accept',
      ...(hashed && { 'cache-control': 'public, immutable' }),
    };
    return json(200, found.body, headers);
  }

  get #openApi(): OpenApiV3 {
    return (this.#openapi ??= new OpenApiV3(this.#registry.all));
  }
}

function document(body: object | undefined): ApiResponse | undefined {
  return body && json(200, JSON.stringify(body));
}
