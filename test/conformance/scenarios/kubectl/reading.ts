import { expect } from 'vitest';
import type { Api } from '../../api.ts';
import type { Scenario } from '../../describe-conformance.ts';
import { Kubectl } from '../../kubectl.ts';
import { agent, assigned, configMap, lease, secret, task } from '../../objects.ts';

const SILENT = { recorded: false } as const;

async function populate(api: Api): Promise<Kubectl> {
  await api.post(api.own('deploytasks'), task('one', {}, { labels: { role: 'db' } }), SILENT);
  await api.post(api.own('deploytasks'), task('two', { type: 'mysql', command: 'select 1' }), SILENT);
  await api.patch(api.own('deploytasks', 'one/status'), { status: assigned('agent-1') }, undefined, SILENT);
  const condition = {
    type: 'Succeeded',
    status: 'Unknown',
    reason: 'Running',
    message: 'it runs',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const status = { state: 'Running', startTime: '2026-01-02T03:04:05.678Z', conditions: [condition] };
  await api.patch(api.own('deploytasks', 'one/status'), { status }, undefined, SILENT);
  await api.post(api.own('agents'), agent('agent-1', { tags: ['a', 'b'] }), SILENT);
  return new Kubectl(api);
}

export const kubectlReading: Record<string, Scenario> = {
  'get shows tables': async (api) => {
    const kubectl = await populate(api);
    const table = await kubectl.print('get deploytasks');
    expect(table).toMatch(
      /^NAME +TYPE +AGENT +STATE +REASON +AGE\none +shell +agent-1 +Running +Running +\d+s\ntwo +mysql +/,
    );
    await kubectl.print('get dt -o wide');
    await kubectl.print('get dt one two --no-headers');
    await kubectl.print('get dt --show-labels --sort-by=.spec.type');
    // The order of the two kinds is that of discovery, which changes from start to start of a real server.
    const category = await kubectl.print('get tiangong -o name', SILENT);
    expect(category.split('\n')).toEqual(
      expect.arrayContaining(['agent.tiangong.io/agent-1', 'deploytask.tiangong.io/one']),
    );
    await kubectl.print('get dt,ag');
    await kubectl.print('get dt/one ag/agent-1 -L role');
    await kubectl.print('get deploytasks.tiangong.io one --chunk-size=1');
  },
  'get prints objects in every form': async (api) => {
    const kubectl = await populate(api);
    for (const form of [
      'yaml',
      'json',
      'name',
      'jsonpath={.items[*].spec.type}',
      'jsonpath={range.items[*]}{.metadata.name}={.status.state};{end}',
      'custom-columns=N:.metadata.name,S:.status.state,C:.spec.command',
      'go-template={{range.items}}{{.metadata.name}},{{end}}',
    ]) {
      await kubectl.print(`get dt -o ${form}`);
    }
    expect(await kubectl.print('get dt one -o jsonpath={.status.assignment.agent}')).toBe('agent-1');
    await kubectl.print('get dt one -o yaml');
    await kubectl.print('get ag agent-1 -o json');
    await kubectl.print('get dt one -o wide --subresource=status');
  },
  'get selects by label and field': async (api) => {
    const kubectl = await populate(api);
    expect(await kubectl.print('get dt -l role=db -o name')).toBe('deploytask.tiangong.io/one\n');
    expect(await kubectl.print('get dt --field-selector status.state=Running -o name')).toBe(
      'deploytask.tiangong.io/one\n',
    );
    await kubectl.print('get dt -l role!=db,role!=web');
    await kubectl.print('get dt -l nothing=here');
    expect((await kubectl.run('get dt --field-selector spec.command=x')).code).toBe(1);
    await kubectl.print(`get dt -A --field-selector metadata.namespace=${api.namespace}`);
    await kubectl.print('get dt -n nowhere');
  },
  'get explains what is not there': async (api) => {
    const kubectl = await populate(api);
    for (const line of [
      'get dt none',
      'get nonsense',
      'get dt one none',
      'get dt/one/two',
      'describe dt none',
      'get nope.tiangong.io',
    ]) {
      expect((await kubectl.run(line)).code).toBe(1);
    }
    await kubectl.print('get dt none --ignore-not-found');
  },
  'get -w follows changes': async (api) => {
    const kubectl = new Kubectl(api);
    await api.post(api.own('deploytasks'), task('one'), SILENT);
    const path = api.own('deploytasks', 'one/status');
    const seen = await kubectl.follow('get dt -w', 5, async (until) => {
      await until(2);
      await api.patch(path, { status: assigned('agent-1') }, undefined, SILENT);
      await until(3);
      await api.patch(path, { status: { state: 'Running' } }, undefined, SILENT);
      await until(4);
      await api.patch(path, { status: { state: 'Succeeded' } }, undefined, SILENT);
    });
    expect(seen.match(/Assigned|Running|Succeeded/g)).toEqual(['Assigned', 'Running', 'Succeeded']);
  },
  'describe shows objects and their events': async (api) => {
    const kubectl = await populate(api);
    const { body } = await api.get(api.own('deploytasks', 'one'), SILENT);
    await api.post(
      api.core('events'),
      {
        metadata: { name: 'one.1' },
        involvedObject: {
          apiVersion: 'tiangong.io/v1alpha1',
          kind: 'DeployTask',
          name: 'one',
          namespace: api.namespace,
          uid: body.metadata.uid,
        },
        reason: 'AgentOffline',
        message: 'agent-1 is offline',
        type: 'Warning',
        source: { component: 'tiangong-operator' },
        firstTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
        lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
        count: 1,
      },
      SILENT,
    );
    const text = await kubectl.print('describe dt one');
    expect(text).toContain('Kind:         DeployTask');
    expect(text).toContain('AgentOffline');
    await kubectl.print('describe ag');
    await kubectl.print('events');
    await kubectl.print('events --for dt/one');
    await kubectl.print('events --types=Normal');
    await kubectl.print('get events');
    await kubectl.print('get events -o wide');
  },
  'get and describe know the built-in kinds': async (api) => {
    const kubectl = new Kubectl(api);
    await api.post(api.core('configmaps'), configMap('one', { a: '1', 'b.txt': 'two\nlines\n' }), SILENT);
    await api.post(
      api.core('secrets'),
      secret('one', { type: 'tiangong.io/credential', stringData: { password: 'x' } }),
      SILENT,
    );
    await api.post(
      api.lease(),
      lease('one', { holderIdentity: 'me', leaseDurationSeconds: 25, renewTime: '2026-01-02T03:04:05.000000Z' }),
      SILENT,
    );
    for (const line of [
      'get cm one',
      'get cm one -o yaml',
      'get secrets',
      'get secret one -o yaml',
      'get leases',
      'get lease one -o json',
    ]) {
      await kubectl.print(line);
    }
    for (const line of ['describe cm one', 'describe secret one', 'describe lease one']) await kubectl.print(line);
    await kubectl.print(`get ns ${api.namespace}`);
    await kubectl.print(`get ns ${api.namespace} -o yaml`);
  },
  'get --raw reads any path': async (api) => {
    const kubectl = await populate(api);
    expect(await kubectl.print('get --raw /readyz')).toBe('ok');
    await kubectl.print('get --raw /apis/tiangong.io');
    await kubectl.print(`get --raw ${api.own('agents', 'nope')}`).catch(() => undefined);
  },
};
