import { describe, expect, it } from 'vitest';
import { neededFields } from './needed-fields.ts';

const post = (schema: unknown) => ({ post: { requestBody: { content: { 'application/json': { schema } } } } });

describe('neededFields', () => {
  it('names fields after the path and flattens objects, through references', () => {
    const document = {
      paths: {
        '/ingest/events': post({ $ref: '#/components/schemas/Event' }),
        '/ingest/events/{id}': { get: {} },
        '/form': { post: { requestBody: { content: { 'text/plain': { schema: { type: 'string' } } } } } },
      },
      components: {
        schemas: {
          Event: {
            type: 'object',
            properties: {
              path: { type: 'string', title: 'Path' },
              size: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
              meta: { type: 'object' },
              owner: { $ref: '#/components/schemas/Owner' },
              when: { type: ['null', 'number'] },
              anything: {},
            },
            required: ['path', 'owner'],
          },
          Owner: {
            type: 'object',
            properties: { name: { type: 'string' }, id: { type: 'integer' } },
            required: ['name'],
          },
        },
      },
    };
    expect(neededFields(document)).toEqual({
      type: 'object',
      properties: {
        'events.path': { type: 'string', title: 'Path' },
        'events.size': { type: 'integer' },
        'events.meta': { type: 'object' },
        'events.owner.name': { type: 'string' },
        'events.owner.id': { type: 'integer' },
        'events.when': { type: 'number' },
        'events.anything': { type: 'any' },
      },
      required: ['events.path', 'events.owner.name'],
    });
  });

  it('joins the fields of all paths, and takes lists for what is in them', () => {
    const id = { type: 'object', properties: { id: { type: 'integer' } } };
    const document = { paths: { '/a/': post(id), '/b': post({ type: 'array', items: id }) } };
    expect(Object.keys(neededFields(document).properties)).toEqual(['a.id', 'b.id']);
  });

  it('ends with schemas that hold themselves', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } } };
    const document = { paths: { '/n': post(node) }, components: { schemas: { Node: node } } };
    expect(Object.keys(neededFields(document).properties)).toHaveLength(1);
  });

  it('says that there is nothing to post to', () => {
    const none = 'No suitable POST endpoint with a requestBody found in the OpenAPI spec.';
    expect(() => neededFields({ paths: { '/a': { get: {} } } })).toThrow(none);
  });
});
