import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/** The part of an OpenAPI document that this program reads itself. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly parameters: Readonly<Record<string, Parameter>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

export interface Operation {
  /** What the operation is called in the audit trail, too. */
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema | Reference }>> };
}

export type PathItem = Readonly<Partial<Record<'get' | 'put' | 'post' | 'delete', Operation>>> & {
  readonly parameters?: readonly (Parameter | Reference)[];
};

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
}

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema | Reference>>;
}

export interface Reference {
  readonly $ref: string;
}

/** Reads the contract, `openapi.yaml` beside this file and, of the second manual, `sync-openapi.yaml`. */
export function readOpenApi(): OpenApiDocument {
  const document = read('openapi.yaml') as OpenApiDocument;
  const syncs = read('sync-openapi.yaml') as Pick<OpenApiDocument, 'paths' | 'components'>;
  const sections = Object.entries(syncs.components).map(([name, members]) => {
    const others = document.components[name as keyof OpenApiDocument['components']];
    return [name, { ...others, ...members }];
  });
  return {
    ...document,
    paths: { ...document.paths, ...syncs.paths },
    components: { ...document.components, ...Object.fromEntries(sections) } as OpenApiDocument['components'],
  };
}

const read = (file: string): unknown => load(readFileSync(new URL(file, import.meta.url), 'utf8'));
