import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { create, update } from '../schema/testing/pipeline.ts';
import type { Outcome } from '../schema/testing/pipeline.ts';
import { builtinDefinitions } from './builtin-definitions.ts';

type Json = Record<string, unknown>;

function definitionOf(plural: string, group = ''): ResourceDefinition {
  const found = builtinDefinitions.find((one) => one.plural === plural && one.group === group);
  if (found === undefined) throw new Error(`no ${plural} in ${group}`);
  return found;
}

const make = (definition: ResourceDefinition, members: Json, name: unknown = 'a'): Outcome =>
  create(definition, { metadata: { name }, ...members } as KubeObject, 'default');

function textsOf(outcome: Outcome): string[] {
  if ('errors' in outcome) return outcome.errors.map(({ field, message }) => `${field}: ${message}`);
  return 'message' in outcome ? [outcome.message] : [];
}

function objectOf(outcome: Outcome): KubeObject & Json {
  if (!('object' in outcome)) throw new Error(textsOf(outcome).join('\n'));
  return outcome.object as KubeObject & Json;
}

function change(definition: ResourceDefinition, old: KubeObject, members: Json, subresource?: 'status'): Outcome {
  old.metadata.resourceVersion = '1';
  return update(definition, structuredClone({ ...old, ...members }), old, subresource);
}

describe('A ConfigMap', () => {
  const configMaps = definitionOf('configmaps');

  it.each<[Json, string]>([
    [
      { data: { a: 1 } },
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string',
    ],
    [
      { data: [1] },
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string',
    ],
    [
      { immutable: 'a' },
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool',
    ],
    [
      { binaryData: { a: '!' } },
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: illegal base64 data at input byte 0',
    ],
    [
      { data: { ok: '1' }, binaryData: { ok: 'aGk=' } },
      'data[ok]: Invalid value: "ok": duplicate of key present in binaryData',
    ],
    [{ data: { '..': '1' } }, 'data[..]: Invalid value: "..": must not be \'..\''],
    [{ data: { a: 'x'.repeat(1024 * 1024 + 1) } }, '[]: Too long: may not be more than 1048576 bytes'],
  ])('with %j is refused', (members, text) => {
    expect(textsOf(make(configMaps, members))).toEqual([text]);
  });

  it('that is immutable keeps its data and stays so', () => {
    const old = objectOf(make(configMaps, { data: { a: '1' }, immutable: true }));
    expect(textsOf(change(configMaps, old, { data: { a: '2' }, immutable: false }))).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  it('tells what it does not know', () => {
    const outcome = make(configMaps, { bogus: 1, data: { a: '1' } });
    expect('unknown' in outcome && outcome.unknown).toEqual(['bogus']);
  });
});

describe('A Secret', () => {
  const secrets = definitionOf('secrets');

  it('takes plain text, which it keeps in base64, and is Opaque unless it says otherwise', () => {
    const secret = objectOf(make(secrets, { data: { a: 'YQ==', b: 'Yg==' }, stringData: { b: 'new' } }));
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'bmV3' } });
    expect(secret).not.toHaveProperty('stringData');
  });

  it.each<[Json, string[]]>([
    [
      { data: { a: 1 } },
      [
        'Secret in version "v1" cannot be handled as a Secret: json: cannot unmarshal number into Go struct field Secret.data of type []uint8',
      ],
    ],
    [
      { data: { a: '1!' } },
      ['Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 1'],
    ],
    [{ type: 'kubernetes.io/tls' }, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
    [{ type: 'kubernetes.io/basic-auth' }, ['data[username]: Required value', 'data[password]: Required value']],
    [{ type: 'kubernetes.io/ssh-auth' }, ['data[ssh-privatekey]: Required value']],
    [
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'top secret' } },
      ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be a JSON object'],
    ],
    [
      { type: 'kubernetes.io/service-account-token' },
      ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    ],
  ])('with %j is refused, and its contents are not repeated', (members, texts) => {
    expect(textsOf(make(secrets, members))).toEqual(texts);
  });

  it('keeps its type', () => {
    const old = objectOf(make(secrets, { type: 'a' }));
    expect(textsOf(change(secrets, old, { type: 'b' }))).toEqual(['type: Invalid value: "b": field is immutable']);
  });
});

describe('A Namespace', () => {
  const namespaces = definitionOf('namespaces');

  it('begins active, carries its name as a label and is kept by the kubernetes finalizer', () => {
    expect(objectOf(make(namespaces, { status: { phase: 'Odd' } }))).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('must have a name that is a DNS label', () => {
    expect(textsOf(make(namespaces, {}, 'a.b'))).toEqual([
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ]);
  });

  it('keeps finalizers and status from writes to the object', () => {
    const old = objectOf(make(namespaces, {}));
    expect(objectOf(change(namespaces, old, { spec: { finalizers: [] }, status: { phase: 'Odd' } }))).toMatchObject({
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    expect(textsOf(change(namespaces, old, { status: { phase: 'Odd' } }, 'status'))).toHaveLength(1);
  });
});

describe('A Lease', () => {
  const leases = definitionOf('leases', 'coordination.k8s.io');

  it.each<[Json, string[]]>([
    [{ spec: { holderIdentity: '', renewTime: '2026-01-01T00:00:00.000000Z', leaseDurationSeconds: null } }, []],
    [
      { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
      [
        'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
        'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
      ],
    ],
    [
      { spec: { leaseDurationSeconds: 'a' } },
      [
        'Lease in version "v1" cannot be handled as a Lease: json: cannot unmarshal string into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32',
      ],
    ],
    [
      { spec: { renewTime: '2026-01-01T00:00:00.000Z' } },
      [
        'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-01T00:00:00.000Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse ".000Z" as ".000000"',
      ],
    ],
  ])('with %j says %j', (members, texts) => {
    expect(textsOf(make(leases, members))).toEqual(texts);
  });
});

describe('An Event', () => {
  const events = definitionOf('events');
  const newer = definitionOf('events', 'events.k8s.io');
  const about = { kind: 'DeployTask', name: 't', namespace: 'default' };

  it('may tell little in its old version, but of its own namespace', () => {
    expect(textsOf(make(events, { message: 'x' }))).toEqual([]);
    expect(textsOf(make(events, { involvedObject: { namespace: 'other' } }))).toEqual([
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ]);
  });

  it('must tell all in its new version', () => {
    const eventTime = '2026-01-01T00:00:00.000000Z';
    const good = {
      eventTime,
      regarding: about,
      reason: 'R',
      action: 'A',
      type: 'Normal',
      reportingController: 'a/b',
      reportingInstance: 'i',
    };
    expect(textsOf(make(newer, good))).toEqual([]);
    expect(textsOf(make(newer, { note: 'x' }))).toEqual([
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: ',
    ]);
    expect(textsOf(make(newer, { ...good, action: '', deprecatedCount: 1 }))).toEqual([
      'action: Required value',
      'count: Invalid value: "": needs to be unset',
    ]);
  });

  it('is the same object in both versions', () => {
    const event = objectOf(make(events, { message: 'x', involvedObject: about, count: 2, reportingComponent: 'c' }));
    const shown = newer.fromStored?.(event) as KubeObject & Json;
    expect(shown).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'x',
      regarding: about,
      deprecatedCount: 2,
      reportingController: 'c',
    });
    expect(newer.toStored?.(shown)).toMatchObject({
      apiVersion: 'v1',
      message: 'x',
      involvedObject: about,
      count: 2,
      reportingComponent: 'c',
    });
  });
});

describe('A review', () => {
  it('must ask something', () => {
    const access = definitionOf('selfsubjectaccessreviews', 'authorization.k8s.io');
    const other = definitionOf('subjectaccessreviews', 'authorization.k8s.io');
    const question = { spec: { resourceAttributes: { verb: 'get', resource: 'secrets' } } };
    expect(textsOf(make(access, { spec: {} }))).toEqual([
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ]);
    expect(textsOf(make(access, question))).toEqual([]);
    expect(textsOf(make(other, question))).toEqual([
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    ]);
    expect(textsOf(make(definitionOf('tokenreviews', 'authentication.k8s.io'), {}))).toEqual([
      'token is required for TokenReview in authentication',
    ]);
  });
});
