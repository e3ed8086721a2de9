import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasCluster, sharedCluster } from '../../../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../../../test/kubernetes/shared.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution } from '../../../conformance/executor.ts';
import { K8sExecutor } from '../k8s-executor.ts';
import { Kubectl } from '../testing/kubectl.ts';

interface Config {
  clusters: { name: string; cluster: Record<string, unknown> }[];
  users: { name: string; user: Record<string, unknown> }[];
  contexts: { name: string; context: Record<string, unknown> }[];
  'current-context': string;
}

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

describe.skipIf(!hasCluster())("a k8s task's login", () => {
  let cluster: SharedCluster;
  let kubectl: Kubectl;
  let folder: string;
  const executors: K8sExecutor[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-k8s-'));
  });
  beforeEach(async () => {
    cluster = await sharedCluster();
    kubectl = new Kubectl(cluster.kubeconfig(), cluster.namespace);
  });
  afterAll(async () => {
    await Promise.all(executors.map((executor) => executor.close()));
    rmSync(folder, { recursive: true });
  });

  const make = (options: ConstructorParameters<typeof K8sExecutor>[0]): K8sExecutor => {
    const executor = new K8sExecutor({ namespace: cluster.namespace, ...options });
    executors.push(executor);
    return executor;
  };
  const run = (executor: K8sExecutor, command: string, params: Record<string, unknown> = {}): Promise<Execution> =>
    execute(executor, { command, params });
  /** A kubeconfig like that of the administrator, changed. */
  const kubeconfig = (name: string, change: (config: Config) => void): string => {
    const config = JSON.parse(readFileSync(cluster.kubeconfig(), 'utf8')) as Config;
    change(config);
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  const allow = async (account: string, ...verbs: string[]): Promise<void> => {
    await kubectl.out('create', 'serviceaccount', account);
    await kubectl.out('create', 'role', account, `--verb=${verbs.join(',')}`, '--resource=configmaps');
    await kubectl.out(
      'create',
      'rolebinding',
      account,
      `--role=${account}`,
      `--serviceaccount=${cluster.namespace}:${account}`,
    );
  };

  it('is that of a service account, with its rights alone, when the task names one', async () => {
    await allow('creator', 'create', 'patch');
    const executor = make({ kubeconfig: cluster.kubeconfig() });
    const as = { service_account: 'creator' };
    const created = await run(executor, configMap('by-creator'), as);
    expect(created.outcome).toMatchObject({ state: 'Succeeded' });
    const refused = await run(executor, configMap('by-creator'), { ...as, operation: 'delete' });
    expect(refused.outcome).toEqual({
      state: 'Failed',
      reason: 'Forbidden',
      message: expect.stringContaining(
        `User "system:serviceaccount:${cluster.namespace}:creator" cannot delete`,
      ) as string,
    });
    const secret = { operation: 'get', service_account: `${cluster.namespace}/creator` };
    expect((await run(executor, 'secrets', secret)).outcome).toMatchObject({ reason: 'Forbidden' });
    // The same task without it has the rights of the agent.
    expect((await run(executor, configMap('by-creator'), { operation: 'delete' })).outcome.state).toBe('Succeeded');
    expect((await run(executor, configMap('a'), { service_account: 'nobody' })).outcome).toEqual({
      state: 'Failed',
      reason: 'ServiceAccountUnavailable',
      message: `failed to get a token for the service account ${cluster.namespace}/nobody: serviceaccounts "nobody" not found`,
    });
  });

  it('is looked for where the objects of the text are, and never guessed', async () => {
    const other = `${cluster.namespace}-bot`;
    await kubectl.out('create', 'namespace', other);
    for (const namespace of [cluster.namespace, other])
      await kubectl.out('create', 'serviceaccount', 'bot', `--namespace=${namespace}`);
    const executor = make({ kubeconfig: cluster.kubeconfig() });
    const placed = (namespace: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ${namespace}}\n`;
    const user = async (command: string, params: Record<string, unknown> = {}): Promise<string | undefined> => {
      const { outcome } = await run(executor, command, { service_account: 'bot', ...params });
      return /system:serviceaccount:([^"]*)"/.exec(outcome.message ?? '')?.[1] ?? outcome.message;
    };
    expect(await user(placed(other))).toBe(`${other}:bot`);
    expect(await user(`${placed(other)}---\n${placed(other)}`)).toBe(`${other}:bot`);
    expect(await user(placed(other), { namespace: cluster.namespace })).toBe(`${cluster.namespace}:bot`);
    expect(await user(placed(other), { service_account: `${cluster.namespace}/bot` })).toBe(`${cluster.namespace}:bot`);
    expect(await user(configMap('a'))).toBe(`${cluster.namespace}:bot`);
    expect(await user('cm/a', { operation: 'get' })).toBe(`${cluster.namespace}:bot`);
    for (const rest of [configMap('a'), placed(cluster.namespace)])
      expect(await user(`${placed(other)}---\n${rest}`)).toBe(
        'params.service_account "bot" says no namespace, and not all objects of the text name the same one: write namespace/bot, or set params.namespace',
      );
  });

  it('is that of the service account of the configuration when the task names none', async () => {
    await allow('configured', 'create', 'patch');
    await allow('named', 'get');
    const serviceAccount = { namespace: cluster.namespace, name: 'configured' };
    const executor = make({ kubeconfig: cluster.kubeconfig(), serviceAccount, requireServiceAccount: true });
    expect((await run(executor, configMap('by-configured'))).outcome.state).toBe('Succeeded');
    const read = { operation: 'get' };
    expect((await run(executor, 'cm/by-configured', read)).outcome.message).toContain(
      `User "system:serviceaccount:${cluster.namespace}:configured" cannot get`,
    );
    expect((await run(executor, 'cm/by-configured', { ...read, service_account: 'named' })).outcome.state).toBe(
      'Succeeded',
    );
  });

  it('needs no right of the agent but to ask for tokens of that one account', async () => {
    await allow('tasks', 'create', 'patch');
    await kubectl.out('create', 'serviceaccount', 'agent');
    await kubectl.out(
      'create',
      'role',
      'tokens',
      '--verb=create',
      '--resource=serviceaccounts/token',
      '--resource-name=tasks',
    );
    await kubectl.out(
      'create',
      'rolebinding',
      'tokens',
      '--role=tokens',
      `--serviceaccount=${cluster.namespace}:agent`,
    );
    const token = (await kubectl.out('create', 'token', 'agent')).trim();
    const path = kubeconfig('agent', ({ users }) => users.forEach((user) => (user.user = { token })));
    const executor = make({ kubeconfig: path, serviceAccount: { namespace: cluster.namespace, name: 'tasks' } });
    expect((await run(executor, configMap('by-tasks'))).outcome.state).toBe('Succeeded');
    const { outcome } = await run(executor, configMap('by-tasks'), { service_account: 'default' });
    expect(outcome).toMatchObject({
      reason: 'ServiceAccountUnavailable',
      message: expect.stringContaining(
        `User "system:serviceaccount:${cluster.namespace}:agent" cannot create resource "serviceaccounts/token"`,
      ) as string,
    });
  });

  it('is never that of the pod that the agent runs in', async () => {
    const tokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const path = kubeconfig('pod', ({ users }) =>
      users.forEach((user) => (user.user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } })),
    );
    expect((await run(make({ kubeconfig: path }), configMap('never'))).outcome).toEqual({
      state: 'Failed',
      reason: 'NotConfigured',
      message: expect.stringMatching(
        /^k8s tasks of an agent in a pod need a service account of their own: set taskServiceAccountName/,
      ) as string,
    });
  });

  it('may not be that of the agent when the configuration says so', async () => {
    const executor = make({ kubeconfig: cluster.kubeconfig(), requireServiceAccount: true });
    const { outcome } = await run(executor, configMap('never'));
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'SecurityPolicyViolation' });
    expect((await kubectl.run(['get', 'configmap', 'never'])).code).toBe(1);
  });

  it('is said to be wrong, without the token', async () => {
    const token = 'wrong-token-4711';
    const path = kubeconfig('wrong', ({ users }) => users.forEach(({ user }) => (user['token'] = token)));
    const execution = await run(make({ kubeconfig: path }), configMap('a'));
    expect(execution.outcome).toMatchObject({ state: 'Failed', reason: 'AuthenticationFailed' });
    expect(JSON.stringify(execution)).not.toContain(token);
  });

  it('acts as whom the kubeconfig says', async () => {
    const path = kubeconfig('as', ({ users }) => users.forEach(({ user }) => (user['as'] = 'nobody-at-all')));
    const { outcome } = await run(make({ kubeconfig: path }), configMap('a'));
    expect(outcome).toMatchObject({
      reason: 'Forbidden',
      message: expect.stringContaining('User "nobody-at-all"') as string,
    });
  });

  it('fails at once where nothing listens', async () => {
    const port = await freePort();
    const path = kubeconfig('away', ({ clusters }) =>
      clusters.forEach(({ cluster: server }) => (server['server'] = `https://127.0.0.1:${port}`)),
    );
    expect((await run(make({ kubeconfig: path }), configMap('a'))).outcome).toEqual({
      state: 'Failed',
      reason: 'ConnectionFailed',
      message: `failed to read the kinds of the API server: connection failed: connect ECONNREFUSED 127.0.0.1:${port}`,
    });
  });

  it('comes from the context that is set, and from the file as it is now', async () => {
    const path = kubeconfig('contexts', (config) => {
      config.contexts.push({ name: 'other', context: { ...config.contexts[0]?.context, user: 'nobody' } });
      config.users.push({ name: 'nobody', user: { token: 'nothing' } });
    });
    expect((await run(make({ kubeconfig: path }), configMap('now'))).outcome.state).toBe('Succeeded');
    const executor = make({ kubeconfig: path, context: 'other' });
    expect((await run(executor, configMap('now'))).outcome).toMatchObject({ reason: 'AuthenticationFailed' });
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
    config.users.forEach(({ user }) => (user['token'] = cluster.tokenFor('admin')));
    writeFileSync(path, JSON.stringify(config));
    expect((await run(executor, configMap('now'))).outcome.state).toBe('Succeeded');
    expect((await run(make({ kubeconfig: path, context: 'none' }), configMap('now'))).outcome).toMatchObject({
      reason: 'NotConfigured',
      message: expect.stringContaining(
        'kubernetes client not initialized: the kubeconfig has no context "none"',
      ) as string,
    });
  });

  it('says how to configure it when there is none', async () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', folder);
    const { outcome } = await run(make({}), configMap('a'));
    vi.unstubAllEnvs();
    expect(outcome).toMatchObject({
      reason: 'NotConfigured',
      message: expect.stringMatching(
        /^kubernetes client not initialized: there is no kubeconfig; set .*--k8s-kubeconfig/,
      ) as string,
    });
    const missing = await run(make({ kubeconfig: join(folder, 'missing') }), configMap('a'));
    expect(missing.outcome.message).toMatch(/^kubernetes client not initialized: .*missing cannot be read; set /);
    const broken = join(folder, 'broken');
    writeFileSync(broken, 'token: "secret-of-mine');
    expect((await run(make({ kubeconfig: broken }), configMap('a'))).outcome.message).toMatch(
      /broken is no kubeconfig; set (?!.*secret-of-mine)/,
    );
  });
});
