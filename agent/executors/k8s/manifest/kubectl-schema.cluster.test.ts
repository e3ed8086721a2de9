import { beforeEach, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../../../../test/kubernetes/shared.ts';
import { Kubectl } from '../testing/kubectl.ts';
import { parseDocuments } from './parse-documents.ts';

/** Scalars that YAML's versions read differently. */
const SCALARS = [
  ...[
    '0644',
    '0o17',
    '017',
    '0',
    '00',
    '-0644',
    '+12',
    '-7',
    '08',
    '0x1F',
    '0b101',
    '1_000',
    '1__0',
    '0_7',
    '_1',
    '1:30',
    '190:20:30',
  ],
  ...[
    '1.5',
    '.5',
    '5.',
    '-.5',
    '1e3',
    '1E+3',
    '1e-3',
    '1.5e3',
    '1_0.5',
    '+1.5',
    '0.10',
    '1.0',
    '12e03',
    '0e0',
    '1e',
    'e3',
  ],
  ...['yes', 'Yes', 'YES', 'no', 'on', 'On', 'OFF', 'off', 'y', 'Y', 'n', 'N', 'true', 'True', 'TRUE', 'tRue', 'false'],
  ...[
    'null',
    'Null',
    'NULL',
    '~',
    'nil',
    'none',
    '2020-01-01',
    '2020-01-01T10:00:00Z',
    '12:30:45',
    '=',
    '1.2.3',
    '0x',
    '0xG1',
    '1,000',
  ],
  ...['"0644"', "'yes'", '!!str 0644', '!!str yes', '!!int "12"', '!!float 1', '9007199254740991', '123456789012'],
];

describe.skipIf(!hasCluster())('the reading of YAML', () => {
  let kubectl: Kubectl;
  beforeEach(async () => {
    const cluster = await sharedCluster();
    kubectl = new Kubectl(cluster.kubeconfig(), cluster.namespace);
  });

  it("is kubectl's own", async () => {
    // Free-form fields of a real object show what kubectl sent.
    const values = SCALARS.map((scalar, index) => `    v${index}: ${scalar}\n`).join('');
    const keys = ['y', 'yes', 'on', '0644', '1.5', '"y"', '2020-01-01'];
    const named = keys.map((key) => `    - {${key}: here}\n`).join('');
    const text = `apiVersion: tiangong.io/v1alpha1\nkind: DeployTask\nmetadata: {name: scalars}\nspec:\n  agent: nobody\n  type: shell\n  command: "true"\n  params:\n${values}    list:\n${named}`;
    const { code, stderr } = await kubectl.run(['create', '--filename', '-'], text);
    expect(code, stderr).toBe(0);
    const { spec } = await kubectl.get<{ spec: { params: Record<string, unknown> } }>('deploytask', 'scalars');
    const ours = parseDocuments(text)[0]?.value as typeof spec & { spec: typeof spec };
    const shown = (params: Record<string, unknown>): unknown[] => [
      ...SCALARS.map((scalar, index) => `${scalar} is ${JSON.stringify(params[`v${index}`] ?? null)}`),
      ...keys.map((key, index) => `${key}: ${JSON.stringify((params['list'] as unknown[])[index])}`),
    ];
    expect(shown(ours.spec.params)).toEqual(shown(spec.params));
  });
});
