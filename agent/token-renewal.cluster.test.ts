import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { dump } from 'js-yaml';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeClient } from '../kube/client.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { isForbidden } from '../kube/kube-error.ts';
import { deployTasks } from '../kube/resource.ts';
import { grant } from '../test/kubernetes/service-account.ts';
import { hasCluster, sharedCluster } from '../test/kubernetes/shared.ts';
import type { SharedCluster } from '../test/kubernetes/shared.ts';
import { bearerToken } from './bearer-token.ts';
import { readClaims } from './token-claims.ts';
import { TokenRenewal } from './token-renewal.ts';

const NEVER = new AbortController().signal;
const ACCOUNT = 'agent-edge-1';

describe.skipIf(!hasCluster())('the token of an agent outside of the cluster', () => {
  let cluster: SharedCluster;
  let folder: string;
  let path: string;
  let config: KubeConfig;
  let transport: HttpTransport;
  let later = 0;
  const lines: string[] = [];

  const tokenOf = async (account: string, seconds = 3600): Promise<string> => {
    const { status } = await cluster.client.raw<{ status: { token: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${cluster.namespace}/serviceaccounts/${account}/token`,
      body: JSON.stringify({ spec: { expirationSeconds: seconds } }),
    });
    return status.token;
  };

  const kubeconfig = (token: string): object => ({
    clusters: [{ name: 'c', cluster: { server: cluster.url, 'insecure-skip-tls-verify': true } }],
    users: [
      { name: 'other', user: { token: 'kept' } },
      { name: 'u', user: { token } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });

  function start(): TokenRenewal {
    config.loadFromFile(path);
    transport = new HttpTransport(config);
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    return new TokenRenewal({ path, config, client: new KubeClient(transport), logger, now: () => Date.now() + later });
  }

  const inFile = async (): Promise<string> => {
    const read = new KubeConfig();
    read.loadFromFile(path);
    return read.getCurrentUser()?.token ?? '';
  };

  beforeEach(async () => {
    cluster = await sharedCluster();
    const { client, namespace } = cluster;
    for (const name of [ACCOUNT, 'person'])
      await client.raw({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
        body: JSON.stringify({ metadata: { name } }),
      });
    const rule = { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [ACCOUNT], verbs: ['create'] };
    await grant(client, namespace, { namespace, name: ACCOUNT }, [rule]);
    folder = await mkdtemp(join(tmpdir(), 'tiangong-renewal-'));
    path = join(folder, 'kubeconfig');
    config = new KubeConfig();
    lines.length = 0;
    later = 0;
  });
  afterEach(async () => {
    await transport.close();
    await rm(folder, { recursive: true });
  });

  it('is left alone while most of its life is before it, then replaced in the file and in use', async () => {
    const token = await tokenOf(ACCOUNT);
    await writeFile(path, dump(kubeconfig(token)), { mode: 0o600 });
    const renewal = start();
    later = 2800_000;
    await renewal.check(NEVER);
    expect(await inFile()).toBe(token);
    later = 2900_000;
    await renewal.check(NEVER);
    const renewed = await inFile();
    expect(renewed).not.toBe(token);
    expect(readClaims(renewed)).toMatchObject({ namespace: cluster.namespace, account: ACCOUNT });
    expect(await bearerToken(config)).toBe(renewed);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder), 'nothing half-written stays').toEqual(['kubeconfig']);
    expect(await readFile(path, 'utf8')).toContain('kept');
    expect(lines.join('')).not.toContain(renewed);
    // The API server takes it: what is refused is the right, not the token.
    await expect(new KubeClient(transport).list(deployTasks, cluster.namespace)).rejects.toSatisfy(isForbidden);
  });

  it('is taken up when somebody joins the agent again', async () => {
    await writeFile(path, JSON.stringify(kubeconfig(await tokenOf(ACCOUNT))), { mode: 0o600 });
    const renewal = start();
    await renewal.check(NEVER);
    const replaced = await tokenOf(ACCOUNT);
    await writeFile(path, JSON.stringify(kubeconfig(replaced)));
    await renewal.check(NEVER);
    expect(await bearerToken(config)).toBe(replaced);
  });

  it('is looked after without other files being looked for elsewhere: their paths are relative to the kubeconfig', async () => {
    const text = JSON.stringify(kubeconfig(await tokenOf('person')));
    const cluster = JSON.parse(text) as { clusters: { cluster: object }[] };
    cluster.clusters[0]!.cluster = { ...cluster.clusters[0]!.cluster, 'certificate-authority': 'ca.crt' };
    await writeFile(path, JSON.stringify(cluster));
    const renewal = start();
    for (const change of ['', '\n']) {
      await writeFile(path, `${JSON.stringify(cluster)}${change}`);
      await renewal.check(NEVER);
      expect(config.getCurrentCluster()?.caFile).toBe(join(folder, 'ca.crt'));
    }
  });

  it('is not renewed when it is not that of an agent of its own', async () => {
    const token = await tokenOf('person');
    await writeFile(path, JSON.stringify(kubeconfig(token)), { mode: 0o600 });
    const renewal = start();
    later = 3500_000;
    await renewal.check(NEVER);
    expect(await inFile()).toBe(token);
  });

  it('is tried for again when the API server refuses, and said to be over once it is', async () => {
    await cluster.client.raw({
      method: 'DELETE',
      path: `/apis/rbac.authorization.k8s.io/v1/namespaces/${cluster.namespace}/rolebindings/${ACCOUNT}`,
    });
    await writeFile(path, JSON.stringify(kubeconfig(await tokenOf(ACCOUNT))), { mode: 0o600 });
    const renewal = start();
    later = 3000_000;
    await expect(renewal.check(NEVER)).rejects.toSatisfy(isForbidden);
    later = 3700_000;
    for (let time = 0; time < 3; time += 1) await expect(renewal.check(NEVER)).rejects.toSatisfy(isForbidden);
    expect(lines.filter((line) => line.includes('the token has ended'))).toHaveLength(1);
  });

  it('is in use although its file cannot be written', async () => {
    const token = await tokenOf(ACCOUNT);
    await writeFile(path, JSON.stringify(kubeconfig(token)), { mode: 0o600 });
    const renewal = start();
    later = 3000_000;
    // A folder stands where the draft would be.
    await mkdir(`${path}.new`);
    await expect(renewal.check(NEVER)).rejects.toThrow(/EISDIR/);
    expect(await inFile()).toBe(token);
    const renewed = await bearerToken(config);
    expect(renewed).not.toBe(token);
    later = 0;
    await renewal.check(NEVER);
    expect(await bearerToken(config), 'the old one is not taken up again').toBe(renewed);
  });
});
