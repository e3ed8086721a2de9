import { describe, expect, it } from 'vitest';
import { readManifests } from './read-manifests.ts';

describe('readManifests', () => {
  it('unfolds lists, of which the items may leave out what they are', () => {
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'ConfigMapList', items: [{ metadata: { name: 'a', namespace: 'x' } }] },
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'b' } },
      ],
    });
    expect(
      readManifests(text).map(({ apiVersion, kind, name, namespace }) => [apiVersion, kind, name, namespace]),
    ).toEqual([
      ['v1', 'ConfigMap', 'a', 'x'],
      ['apps/v1', 'Deployment', 'b', undefined],
    ]);
  });

  it('takes a kind that merely is called like a list for what it is', () => {
    const text = 'apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {items: []}';
    expect(readManifests(text)).toMatchObject([{ kind: 'AllowList', name: 'a' }]);
  });

  it.each([
    ['', 'k8s YAML or JSON content is required'],
    ['---\n', 'k8s YAML or JSON content is required'],
    ['just text', 'failed to parse YAML or JSON: document 1 is not an object'],
    ['[]', 'failed to parse YAML or JSON: document 1 is not an object'],
    ['a: 1\n---\n- b', 'failed to parse YAML or JSON: document 1: apiVersion is required'],
    ['apiVersion: v1', 'failed to parse YAML or JSON: document 1: kind is required'],
    ['apiVersion: v1\nkind: Pod\nmetadata: []', 'failed to parse YAML or JSON: document 1: metadata is not an object'],
    [
      'apiVersion: v1\nkind: Pod\nmetadata: {name: 1}',
      'failed to parse YAML or JSON: document 1: metadata.name is not a string; quote it',
    ],
    ['apiVersion: v1\nkind: List\nitems: [1]', 'failed to parse YAML or JSON: document 1, item 1 is not an object'],
  ])('refuses %j', (text, message) => {
    expect(() => readManifests(text)).toThrow(message);
  });
});
