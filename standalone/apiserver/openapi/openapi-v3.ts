import { createHash } from 'node:crypto';
import { groupsOf } from '../discovery/group-versions.ts';
import type { GroupVersion } from '../discovery/group-versions.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { kindPaths } from './kind-paths.ts';
import { kindSchemas } from './kind-schema.ts';
import { META_SCHEMAS } from './meta-schemas.ts';

/** The description of one version of one group. */
export interface OpenApiDocument {
  readonly body: string;
  /** A digest of the body; clients keep a document for as long as its hash stays. Without quotes. */
  readonly etag: string;
}

/** All descriptions for one set of definitions. Made lazily: most of a server's life nobody asks. */
export class OpenApiV3 {
  readonly #versions: ReadonlyMap<string, GroupVersion>;
  readonly #documents = new Map<string, OpenApiDocument>();
  #index: string | undefined;

  constructor(definitions: readonly ResourceDefinition[]) {
    const versions = groupsOf(definitions).flatMap((group) => group.versions);
    this.#versions = new Map(versions.map((version) => [pathOf(version), version]));
  }

  /** GET /openapi/v3: where the description of each version is, with its hash. */
  get index(): string {
    this.#index ??= JSON.stringify({
      paths: Object.fromEntries(
        [...this.#versions.keys()].map((path) => [
          path,
          { serverRelativeURL: `/openapi/v3/${path}?hash=${this.document(path)?.etag ?? ''}` },
        ]),
      ),
    });
    return this.#index;
  }

  /** GET /openapi/v3/<path>, such as `api/v1` or `apis/tiangong.io/v1alpha1`; undefined when there is none. */
  document(path: string): OpenApiDocument | undefined {
    const known = this.#documents.get(path);
    const version = this.#versions.get(path);
    if (known !== undefined || version === undefined) return known;
    const body = JSON.stringify(describe(version));
    const document = { body, etag: createHash('sha512').update(body).digest('hex').toUpperCase() };
    this.#documents.set(path, document);
    return document;
  }
}

const pathOf = ({ group, version }: GroupVersion): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

function describe({ definitions }: GroupVersion): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Tiangong', version: 'v0.1.0' },
    paths: Object.assign({}, ...definitions.map(kindPaths)) as object,
    components: { schemas: Object.assign({}, ...definitions.map(kindSchemas), META_SCHEMAS) as object },
  };
}
