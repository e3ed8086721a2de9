import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import { builtinDefinitions } from '../builtin/builtin-definitions.ts';
import { definitionOf, readCrd } from '../schema/testing/crd-files.ts';
import { humanDuration } from './human-duration.ts';
import { checkJsonPath, compileJsonPath } from './json-path.ts';
import { toTable } from './table.ts';

const NOW = new Date('2026-01-02T00:00:00Z');
const metadata = { name: 'a', namespace: 'default', creationTimestamp: '2026-01-01T23:57:58Z' };

const cells = (definition: Parameters<typeof toTable>[0], object: object): unknown =>
  toTable(definition, [object as KubeObject], { includeObject: 'None', now: NOW }).rows[0]?.cells;

const builtin = (plural: string, group = ''): (typeof builtinDefinitions)[number] => {
  const found = builtinDefinitions.find((one) => one.plural === plural && one.group === group);
  if (found === undefined) throw new Error(`no ${plural}`);
  return found;
};

describe('An age', () => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  it.each([
    [-5 * s, '<invalid>'],
    [-1 * s, '0s'],
    [0, '0s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [3 * m + 2 * s, '3m2s'],
    [10 * m + 30 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [7 * h + 5 * m, '7h5m'],
    [47 * h, '47h'],
    [2 * d + 3 * h, '2d3h'],
    [4 * d, '4d'],
    [9 * d + 5 * h, '9d'],
    [729 * d, '729d'],
    [800 * d, '2y70d'],
    [10 * 365 * d, '10y'],
  ])('of %d ms reads %s', (milliseconds, text) => {
    expect(humanDuration(milliseconds)).toBe(text);
  });
});

describe('A JSONPath', () => {
  const object = {
    a: { b: [1, 2, 3] },
    'c.d': 'x',
    list: [
      { type: 'A', n: 1 },
      { type: 'B', n: 2 },
    ],
  };
  it.each([
    ['.a.b[0]', [1]],
    ['.a.b[-1]', [3]],
    ['.a.b[1:]', [2, 3]],
    ['.a.b[*]', [1, 2, 3]],
    ['.a.*', [[1, 2, 3]]],
    [".['c.d']", []],
    ["['c.d']", ['x']],
    ['.c\\.d', ['x']],
    ['.list[?(@.type=="B")].n', [2]],
    ['.list[?(@.n>1)].type', ['B']],
    ['.list[?(@.absent)].type', []],
    ['..type', ['A', 'B']],
    ['.absent.more', []],
  ])('%s finds %j', (path, found) => {
    if (path.startsWith('.[')) expect(() => compileJsonPath(path)).toThrow();
    else expect(compileJsonPath(path)(object)).toEqual(found);
  });

  it('is refused where it cannot be read', () => {
    expect(checkJsonPath('spec')).toBe('must be a simple json path starting with .');
    expect(checkJsonPath('.a[')).toContain('unrecognized part');
    expect(checkJsonPath('.a.b')).toBeUndefined();
  });
});

describe('A table', () => {
  it('shows tasks by the columns of the CRD, the name first', () => {
    const tasks = definitionOf(readCrd('deploytasks'));
    const object = {
      metadata,
      spec: { type: 'shell' },
      status: {
        state: 'Failed',
        startTime: '2026-01-01T23:59:00.5Z',
        duration: '1.25s',
        conditions: [
          { type: 'Assigned', reason: 'Dispatched' },
          { type: 'Succeeded', reason: 'CommandFailed', message: 'exit status 1' },
        ],
      },
    };
    const table = toTable(tasks, [object], { includeObject: 'Metadata', now: NOW });
    expect(table.rows).toEqual([
      {
        cells: ['a', 'shell', null, 'Failed', 'CommandFailed', '2m2s', '59s', '1.25s', 'exit status 1'],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata },
      },
    ]);
    expect(table.columnDefinitions).toHaveLength(9);
    expect(table.columnDefinitions[0]).toMatchObject({ name: 'Name', format: 'name', priority: 0 });
    expect(table.columnDefinitions[6]).toMatchObject({ name: 'Started', type: 'date', priority: 1 });
  });

  it('shows the built-in kinds as the real server does', () => {
    expect(cells(builtin('configmaps'), { metadata, data: { a: '1' }, binaryData: { b: 'aGk=' } })).toEqual([
      'a',
      2,
      '2m2s',
    ]);
    expect(cells(builtin('secrets'), { metadata, type: 'Opaque', data: { a: 'YQ==' } })).toEqual([
      'a',
      'Opaque',
      1,
      '2m2s',
    ]);
    expect(cells(builtin('namespaces'), { metadata, status: { phase: 'Active' } })).toEqual(['a', 'Active', '2m2s']);
    expect(cells(builtin('leases', 'coordination.k8s.io'), { metadata, spec: {} })).toEqual(['a', '', '2m2s']);
    expect(cells(builtin('serviceaccounts'), { metadata })).toEqual(['a', '2m2s']);
    expect(cells(builtin('customresourcedefinitions', 'apiextensions.k8s.io'), { metadata })).toEqual([
      'a',
      '2026-01-01T23:57:58Z',
    ]);
  });

  it('shows events of both versions alike, the name last', () => {
    const event = {
      metadata,
      type: 'Warning',
      reason: 'Failed',
      message: 'it broke\n',
      source: { component: 'operator', host: 'h' },
      involvedObject: { kind: 'DeployTask', name: 't', fieldPath: 'spec' },
      firstTimestamp: '2026-01-01T23:00:00Z',
      lastTimestamp: '2026-01-01T23:59:58Z',
      count: 3,
      eventTime: null,
    };
    const expected = ['2s', 'Warning', 'Failed', 'deploytask/t', 'spec', 'operator, h', 'it broke', '60m', 3, 'a'];
    const newer = builtin('events', 'events.k8s.io');
    expect(cells(builtin('events'), event)).toEqual(expected);
    expect(cells(newer, newer.fromStored?.(event as KubeObject) ?? {})).toEqual(expected);
  });

  it('tells an age that cannot be reckoned', () => {
    const agents = definitionOf(readCrd('agents'));
    expect(cells(agents, { metadata: { ...metadata, creationTimestamp: 'x' } })).toContain('<invalid>');
  });
});
