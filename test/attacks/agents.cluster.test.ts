import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { agents, deployTasks, leases, secrets } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { AGENT, STOLEN, startAttackedRelease } from './attacked-release.ts';
import type { AttackedRelease } from './attacked-release.ts';

const CREDENTIAL = 'tiangong.io/credential';

describe.skipIf(!hasCluster() || !hasHelm())('an attacker', { timeout: 180_000 }, () => {
  let at: AttackedRelease;
  let stolen: KubeClient;
  let attempt = 0;

  beforeAll(async () => {
    at = await startAttackedRelease();
    stolen = await at.release.podAgent(STOLEN);
  });
  beforeEach(() => {
    attempt += 1;
  });
  afterAll(() => at?.stop());

  /** A name that no other try of a test has used. */
  const named = (name: string): string => `${name}-${attempt}`;

  const apply = (name: string, spec: object): Promise<DeployTask> =>
    at.admin.create(deployTasks, 'home', {
      metadata: { name },
      spec: { type: 'shell', agent: AGENT.pod, command: 'sleep 300', ...spec },
    });
  /** A task that runs on the real agent and holds a credential. */
  async function victim(): Promise<{ name: string; uid: string; ref: string }> {
    const name = named('victim');
    const ref = `login-of-${name}`;
    await addSecret(ref, { password: 'hunter2' });
    const params = { secret_ref: ref, target: { host: '127.0.0.1' } };
    const { metadata } = await apply(name, { params });
    await expect.poll(async () => (await at.tasks.get(name)).status).toBe('running');
    return { name, uid: metadata.uid ?? '', ref };
  }
  const addSecret = (name: string, data: object, type = CREDENTIAL, namespace = 'home'): Promise<unknown> => {
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    return at.admin.create(secrets, namespace, {
      metadata: { name },
      type,
      data: Object.fromEntries(encoded) as never,
    });
  };
  const internal = (token: string | undefined, path: string): ReturnType<AttackedRelease['call']> =>
    at.call(token, 'GET', `/internal${path}`);
  const records = async (query: string): Promise<readonly Record<string, unknown>[]> =>
    (await at.call(at.tokens.admin, 'GET', `/api/v1/audit?${query}`)).body['records'] as Record<string, unknown>[];

  describe('who forges an agent', () => {
    it('gets no credential with a token that nobody signed, nor with one of a person, nor with none', async () => {
      const { name, uid, ref } = await victim();
      for (const token of [at.tokens.forged, 'x', undefined, at.tokens.admin, at.tokens.unbound])
        expect(await internal(token, `/tasks/${uid}/secret?ref=${ref}`)).toMatchObject({
          status: 401,
          body: {
            code: 'Unauthorized',
            error: expect.stringMatching(
              /^(a valid bearer token is required|user ".*" is no agent by this token)$/,
            ) as string,
          },
        });
      await at.call(at.tokens.admin, 'POST', `/api/v1/tasks/${name}/cancel`);
    });

    it('is nobody to the Kubernetes API without a pod', async () => {
      const nobody = await at.release.component('agent');
      await expect(nobody.create(agents, 'home', { metadata: { name: 'forged-agent' }, spec: {} })).rejects.toThrow(
        'whose token names no pod',
      );
    });

    it('may not register as another, nor take its Lease, nor speak for it', async () => {
      await expect(stolen.create(agents, 'home', { metadata: { name: 'made-up' }, spec: {} })).rejects.toThrow(
        `the caller is not agent made-up but ${STOLEN.pod}`,
      );
      const spec = { holderIdentity: 'mine' };
      await expect(stolen.patch(leases, 'home', AGENT.pod, { spec })).rejects.toThrow(
        `may not be held by ${STOLEN.pod}`,
      );
      const status = { hostname: 'elsewhere' };
      await expect(stolen.patch(agents, 'home', AGENT.pod, { status }, { subresource: 'status' })).rejects.toThrow(
        `the caller is not agent ${AGENT.pod}`,
      );
    });

    it('may not call itself the operator', async () => {
      const spec = { holderIdentity: 'mine' };
      await expect(stolen.patch(leases, 'home', 'tiangong-operator.leader', { spec })).rejects.toThrow(
        `may not be held by ${STOLEN.pod}`,
      );
    });
  });

  describe('who stole the token of an agent', () => {
    it('gets no credential of tasks of other agents', async () => {
      const { name, uid, ref } = await victim();
      expect(await internal(at.tokens.stolen, `/tasks/${uid}/secret?ref=${ref}`)).toMatchObject({
        status: 403,
        body: { code: 'NotAssigned', error: 'the task is not assigned to the caller at this epoch' },
      });
      expect((await internal(at.tokens.stolen, `/tasks/${uid}/command`)).status).toBe(403);
      expect((await internal(at.tokens.stolen, `/tasks/${uid}/file`)).status).toBe(403);
      expect(await at.call(at.tokens.stolen, 'PUT', `/internal/tasks/${uid}/1/result/0`, {})).toMatchObject({
        status: 403,
      });
      const user = 'system:serviceaccount:home:tiangong-agent';
      expect(await records(`object=secrets/${ref}`)).toMatchObject([
        { action: 'readCredential', user, code: 'NotAssigned' },
      ]);
      await at.call(at.tokens.admin, 'POST', `/api/v1/tasks/${name}/cancel`);
    });

    it('can write no status of tasks of others, and assign none to itself', async () => {
      const [theirs, nobodys] = [named('not-theirs'), named('nobodys')];
      await apply(theirs, {});
      await apply(nobodys, { agent: 'not-there' });
      await expect.poll(async () => (await at.tasks.get(theirs)).status).toBe('running');
      await vi.waitFor(async () =>
        expect((await at.admin.get(deployTasks, 'home', nobodys)).status?.state).toBe('Pending'),
      );
      const write = (name: string, status: object): Promise<unknown> =>
        stolen.patch(deployTasks, 'home', name, { status }, { subresource: 'status' });
      await expect(write(theirs, { state: 'Succeeded' })).rejects.toThrow(
        `the task is not assigned to agent ${STOLEN.pod}`,
      );
      const assignment = { agent: STOLEN.pod, instance: 'i', epoch: 1, time: new Date().toISOString() };
      await expect(write(nobodys, { state: 'Assigned', assignment })).rejects.toThrow(
        `the task is not assigned to agent ${STOLEN.pod}`,
      );
      await at.call(at.tokens.admin, 'POST', `/api/v1/tasks/${theirs}/cancel`);
    });

    it('can read no Secret, create, approve or delete no task, by kubectl or by REST', async () => {
      await addSecret(named('plain-secret'), { a: 'b' }, 'Opaque');
      await expect(stolen.get(secrets, 'home', named('plain-secret'))).rejects.toThrow('cannot get resource "secrets"');
      await expect(stolen.list(secrets, 'home')).rejects.toThrow('cannot list resource "secrets"');
      const spec = { type: 'shell', agent: AGENT.pod, command: 'id' } as const;
      await expect(stolen.create(deployTasks, 'home', { metadata: { name: 'x' }, spec })).rejects.toThrow(
        'cannot create resource "deploytasks"',
      );
      const approvable = named('approvable');
      await apply(approvable, { params: { approve: 'required' } });
      await expect(stolen.patch(deployTasks, 'home', approvable, { spec: { approved: true } })).rejects.toThrow(
        'cannot patch resource "deploytasks"',
      );
      await expect(stolen.delete(deployTasks, 'home', approvable)).rejects.toThrow('cannot delete resource');
      const body = { agent_id: AGENT.pod, type: 'shell', command: 'id' };
      const tries = [
        ['POST', '/api/v1/tasks', body, 'create', 'deploytasks'],
        ['POST', `/api/v1/tasks/${approvable}/approve`, {}, 'approve', 'deploytasks'],
        ['DELETE', `/api/v1/tasks/${approvable}`, undefined, 'delete', 'deploytasks'],
        ['GET', '/api/v1/audit', undefined, 'list', 'auditrecords'],
        ['GET', '/api/v1/files', undefined, 'list', 'files'],
      ] as const;
      for (const [method, path, sent, verb, resource] of tries) {
        const answer = await at.call(at.tokens.stolen, method, path, sent);
        expect(answer, path).toMatchObject({ status: 403, body: { code: 'Forbidden' } });
        expect(answer.body['error']).toContain(`cannot ${verb} resource "${resource}"`);
      }
    });

    it('reaches what docs/security.md says, and no more: it sees tasks of the namespaces that it works for', async () => {
      expect((await stolen.list(deployTasks, 'home')).items?.length).toBeGreaterThan(0);
      await expect(stolen.list(deployTasks, at.release.foreign)).rejects.toThrow('cannot list resource "deploytasks"');
    });
  });

  describe('whose task names a Secret that is not for it', () => {
    /** What the task fails with. */
    async function fate(kind: string, params: object): Promise<string> {
      const name = named(kind);
      const spec = {
        type: 'postgres',
        command: 'select 1',
        params: { target: { host: '127.0.0.1', port: 1 }, ...params },
      };
      await apply(name, spec);
      return (await at.tasks.ended(name)).error;
    }

    it('gets none of another namespace, by path or by name', async () => {
      await addSecret(named('login'), { password: 'of-home' });
      const foreign = named('foreign-login');
      await addSecret(foreign, { password: 'of-another' }, CREDENTIAL, at.release.foreign);
      expect(await fate('by-name', { secret_ref: foreign })).toContain(`secret home/${foreign} not found`);
      for (const ref of [`${at.release.foreign}/${foreign}`, `../${at.release.foreign}/secrets/${foreign}`])
        expect(await fate(`by-path-${ref.length}`, { secret_ref: ref })).toMatch(
          /^secret_ref .*: secret home\/.* not found$/,
        );
    });

    it('gets none that is not for tasks', async () => {
      const key = named('cloud-key');
      await addSecret(key, { password: 'hunter2' }, 'Opaque');
      expect(await fate('opaque', { secret_ref: key })).toContain(
        `secret home/${key} is not of type tiangong.io/credential`,
      );
    });

    it('gets none that REST made for another task', async () => {
      const target = { host: '127.0.0.1', port: 1, password: 'hunter2' };
      const { id } = await at.tasks.create({ type: 'postgres', command: 'select 1', params: { target } });
      const { spec } = await at.admin.get(deployTasks, 'home', id);
      const ref = spec.params?.target?.secret_ref ?? '';
      expect(ref).not.toBe('');
      expect(await fate('grave-robber', { secret_ref: ref })).toMatch(/: secret .* was made for another task$/);
    });

    it('gets none sent to a host that the Secret does not name', async () => {
      const metadata = { name: named('bounded'), annotations: { 'tiangong.io/allowed-hosts': 'db.example.com' } };
      await at.admin.create(secrets, 'home', { metadata, type: CREDENTIAL, data: { password: 'eA==' } });
      expect(await fate('elsewhere', { secret_ref: named('bounded') })).toContain('may not be sent to 127.0.0.1:1');
    });
  });
});
