import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubeClient } from '../../../../kube/client.ts';
import { ClusterConnections } from './cluster-connections.ts';
import { ServiceAccountConfig } from './service-account-config.ts';

function configOf(user: string, token = 'token'): KubeConfig {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'a', server: 'https://127.0.0.1:1', skipTLSVerify: true },
    { name: user, token },
  );
  return config;
}

const { signal } = new AbortController();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('ClusterConnections', () => {
  it('has one connection for a cluster and login, and another for another', async () => {
    const connections = new ClusterConnections('test');
    const [one, same, other] = [
      await connections.lease(configOf('a'), undefined, signal),
      await connections.lease(configOf('a'), undefined, signal),
      await connections.lease(configOf('a', 'new-token'), undefined, signal),
    ];
    expect(same.client).toBe(one.client);
    expect(other.client).not.toBe(one.client);
    expect(connections.size).toBe(2);
    await connections.close();
    await expect(connections.lease(configOf('a'), undefined, signal)).rejects.toThrow('the agent is stopping');
  });

  it('closes what is idle, and more than it may keep at once', async () => {
    const connections = new ClusterConnections('test');
    const used = await connections.lease(configOf('used'), undefined, signal);
    for (let i = 0; i < 50; i += 1) (await connections.lease(configOf(`user-${i}`), undefined, signal)).release();
    expect(connections.size).toBe(32);
    await vi.advanceTimersByTimeAsync(700_000);
    expect(connections.size).toBe(1);
    expect((await connections.lease(configOf('used'), undefined, signal)).client).toBe(used.client);
    await connections.close();
  });
});

describe('ServiceAccountConfig', () => {
  const make = (answer: (body: string) => { status: number; text: string }): ServiceAccountConfig => {
    const transport = {
      send: ({ body = '' }: { body?: string }) => {
        const { status, text } = answer(body);
        return Promise.resolve({ status, headers: {}, text: () => Promise.resolve(text), chunks: () => [] as never });
      },
      close: () => Promise.resolve(),
    };
    const cluster = { name: 'a', server: 'https://127.0.0.1:1', skipTLSVerify: true };
    return new ServiceAccountConfig(cluster, { namespace: 'n', name: 'a' }, new KubeClient(transport));
  };

  it('asks for a new token well before the old one ends', async () => {
    let count = 0;
    const config = make((body) => {
      expect(JSON.parse(body)).toMatchObject({ spec: { expirationSeconds: 600 } });
      return { status: 201, text: JSON.stringify({ status: { token: `token-${++count}` } }) };
    });
    expect([await config.token(), await config.token()]).toEqual(['token-1', 'token-1']);
    await vi.advanceTimersByTimeAsync(400_000);
    expect(await config.token()).toBe('token-1');
    await vi.advanceTimersByTimeAsync(50_000);
    const options: RequestOptions & { headers?: Record<string, string> } = {};
    await config.applyToHTTPSOptions(options);
    expect(options.headers?.['Authorization']).toBe('Bearer token-2');
    expect(options.cert).toBeUndefined();
  });

  it('asks again after a refusal', async () => {
    let allowed = false;
    const config = make(() =>
      allowed
        ? { status: 201, text: '{"status":{"token":"t"}}' }
        : { status: 403, text: '{"message":"serviceaccounts \\"a\\" is forbidden"}' },
    );
    await expect(config.token()).rejects.toThrow(
      'failed to get a token for the service account n/a: serviceaccounts "a" is forbidden',
    );
    allowed = true;
    expect(await config.token()).toBe('t');
  });
});
