import { ulid } from 'ulid';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../../kube/client.ts';
import { FaultyTransport } from '../../test/kube/faulty-transport.ts';
import { ServiceAccounts } from '../../test/api/service-accounts.ts';
import { connectWith } from '../../test/kubernetes/connection.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { Authenticator } from './authenticator.ts';
import { Authorizer } from './authorizer.ts';
import { Reviews } from './reviews.ts';

const CALLS_OF_HOSTILE_CLIENTS = 1200;

describe.skipIf(!hasCluster())('reviews', () => {
  let cluster: SharedCluster;
  let accounts: ServiceAccounts;
  let network: FaultyTransport;
  let reviews: Reviews;
  let token: string;

  beforeAll(async () => {
    cluster = await sharedCluster();
    accounts = new ServiceAccounts(cluster.client, cluster.namespace);
    const rules = [{ apiGroups: ['tiangong.io'], resources: ['agents'], verbs: ['list'] }];
    token = await accounts.person('reader', rules);
  });
  beforeEach(() => {
    network = new FaultyTransport(cluster.transportFor('admin'));
    reviews = new Reviews(new KubeClient(network));
  });
  afterAll(() => network?.close());

  it('are asked once for many calls with one token', async () => {
    const authenticator = new Authenticator(reviews);
    const users = await Promise.all(Array.from({ length: 50 }, () => authenticator.authenticate(token)));
    expect(new Set(users).size).toBe(1);
    expect(users[0]).toMatchObject({
      name: `system:serviceaccount:${cluster.namespace}:reader`,
      groups: expect.arrayContaining(['system:authenticated']) as unknown,
    });
    expect(network.calls).toBe(1);
  });

  it('are asked again once an answer is old, and sooner after a refusal', async () => {
    const authenticator = new Authenticator(reviews, { maxAgeMs: 3_600_000, refusedMaxAgeMs: 0 });
    await authenticator.authenticate(token);
    await authenticator.authenticate(token);
    expect(network.calls).toBe(1);
    expect(await authenticator.authenticate('nobodys')).toBeUndefined();
    expect(await authenticator.authenticate('nobodys')).toBeUndefined();
    expect(network.calls).toBe(3);
    const forgetful = new Authenticator(reviews, { maxAgeMs: 0 });
    await forgetful.authenticate(token);
    await forgetful.authenticate(token);
    expect(network.calls).toBe(5);
  });

  it('ask about all objects first, and about the one only when that is refused', async () => {
    const user = (await new Authenticator(reviews).authenticate(token))!;
    const authorizer = new Authorizer(reviews);
    const { namespace } = cluster;
    network.calls = 0;
    for (const name of ['a', 'b', 'c'])
      expect(await authorizer.allows(user, { verb: 'list', resource: 'agents', namespace, name })).toBe(true);
    expect(network.calls).toBe(1);
    for (const name of ['a', 'a', 'b'])
      expect(await authorizer.allows(user, { verb: 'get', resource: 'agents', namespace, name })).toBe(false);
    expect(network.calls).toBe(4);
  });

  it('that have no answer are no yes, and are not remembered', async () => {
    const authenticator = new Authenticator(reviews);
    const user = (await authenticator.authenticate(token))!;
    const authorizer = new Authorizer(reviews);
    const attributes = { verb: 'list', resource: 'agents', namespace: cluster.namespace };
    const failed = { code: 'ReviewFailed', status: 503, headers: { 'Retry-After': '1' } };
    for (const fault of ['fail', 'lose'] as const) {
      network.fault = fault;
      await expect(authorizer.allows(user, attributes)).rejects.toMatchObject(failed);
      await expect(authenticator.authenticate('another')).rejects.toMatchObject(failed);
    }
    // What is known stays known until it is old.
    expect(await authenticator.authenticate(token)).toBe(user);
    network.fault = 'pass';
    expect(await authorizer.allows(user, attributes)).toBe(true);
  });

  it('are given up after a while when the API server hangs', async () => {
    network.fault = 'hang';
    const impatient = new Reviews(new KubeClient(network), { timeoutMs: 2000 });
    const asked = Array.from({ length: 100 }, () => impatient.ask('TokenReview', { token }));
    // Those that never came to ask are told to come again.
    const codes = (await Promise.allSettled(asked)).map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'answered',
    );
    expect(new Set(codes)).toEqual(new Set(['ReviewFailed', 'TooManyRequests']));
    network.fault = 'pass';
    // A busy API server may take longer than it is given here.
    await vi.waitFor(async () => expect(await impatient.ask('TokenReview', { token: 'guess' })).toBeDefined());
  });

  it('that the API may not ask for say which right it lacks', async () => {
    const name = `powerless-${ulid().toLowerCase()}`;
    await accounts.create(name);
    const transport = connectWith(cluster.url, await accounts.token(name));
    await expect(new Reviews(new KubeClient(transport)).ask('TokenReview', { token })).rejects.toMatchObject({
      code: 'ReviewFailed',
      message: expect.stringContaining('bind the ClusterRole system:auth-delegator') as unknown,
    });
    await transport.close();
  });

  it('of hostile clients are bounded: too many at once are refused, and nothing is stuck after them', async () => {
    const authenticator = new Authenticator(reviews);
    const calls = Array.from({ length: CALLS_OF_HOSTILE_CLIENTS }, (_, n) => authenticator.authenticate(`guess-${n}`));
    const results = await Promise.allSettled(calls);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const one of refused) expect(one).toMatchObject({ reason: { code: 'TooManyRequests' } });
    expect(results.every((one) => one.status === 'rejected' || one.value === undefined)).toBe(true);
    expect(await authenticator.authenticate(token)).toBeDefined();
  });
});
