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

/** Reads the contract, `openapi.yaml` beside this file. */
export function readOpenApi(): OpenApiDocument {
  return load(readFileSync(new URL('openapi.yaml', import.meta.url), 'utf8')) as OpenApiDocument;
}
