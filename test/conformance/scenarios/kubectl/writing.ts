import { expect, vi } from 'vitest';
import type { Api } from '../../api.ts';
import type { Scenario } from '../../describe-conformance.ts';
import { Kubectl } from '../../kubectl.ts';
import { agent, assigned, configMap, task } from '../../objects.ts';

const SILENT = { recorded: false } as const;

/** Removes the finalizers once the deletion has begun. */
async function release(api: Api, name: string): Promise<void> {
  const path = api.own('deploytasks', name);
  await vi.waitFor(async () => expect((await api.get(path, SILENT)).body.metadata.deletionTimestamp).toBeDefined(), {
    timeout: 20_000,
    interval: 50,
  });
  await api.patch(path, { metadata: { finalizers: null } }, undefined, SILENT);
}

export const kubectlWriting: Record<string, Scenario> = {
  'apply creates, changes, leaves alone and prunes fields': async (api) => {
    const kubectl = new Kubectl(api);
    expect(await kubectl.apply(agent('one', { maxConcurrent: 3, tags: ['a'] }))).toBe(
      'agent.tiangong.io/one created\n',
    );
    expect(await kubectl.apply(agent('one', { maxConcurrent: 3, tags: ['a'] }))).toBe(
      'agent.tiangong.io/one unchanged\n',
    );
    expect(await kubectl.apply(agent('one', { tags: ['b'] }))).toBe('agent.tiangong.io/one configured\n');
    await kubectl.print('get ag one -o yaml');
    expect(await kubectl.apply(configMap('one', { a: '1' }))).toBe('configmap/one created\n');
    expect(await kubectl.apply(configMap('one', { b: '2' }))).toBe('configmap/one configured\n');
    await kubectl.print('get cm one -o yaml');
    await kubectl.print('apply view-last-applied ag/one');
  },
  'apply takes several documents and says which are wrong': async (api) => {
    const kubectl = new Kubectl(api);
    const list = { apiVersion: 'v1', kind: 'List', items: [task('one'), agent('two'), configMap('three')] };
    await kubectl.apply(list);
    const bad = {
      ...list,
      items: [
        task('bad', { command: ' ' }),
        task('one', { command: 'other' }),
        agent('four'),
        agent('five', { nope: 1 }),
      ],
    };
    // kubectl itself validates lists, by /openapi/v2; documents one by one are left to the server.
    const wholeList = await kubectl.run('apply -f -', { stdin: JSON.stringify(bad) });
    expect(wholeList.stderr).toContain('unknown field "nope"');
    const documents = bad.items.map((item) => JSON.stringify(item)).join('\n---\n');
    const answer = await kubectl.run('apply -f -', { stdin: documents });
    expect(answer.code).toBe(1);
    expect(answer.stderr).toContain('command is empty');
    expect(answer.stderr).toContain('command is immutable');
    expect(answer.stderr).toContain('unknown field "spec.nope"');
    await kubectl.run('apply -f - --validate=false', { stdin: JSON.stringify(agent('five', { nope: 1 })) });
    await kubectl.run('apply -f - --validate=warn', { stdin: JSON.stringify(agent('six', { nope: 1 })) });
    await kubectl.run('apply -f -', { stdin: 'kind: Agent\nmetadata: {name: x}' });
    await kubectl.run('apply -f -', { stdin: 'not: [yaml' });
    await kubectl.run('apply -f -', {
      stdin: JSON.stringify({ apiVersion: 'nope/v1', kind: 'Nope', metadata: { name: 'x' } }),
    });
  },
  'create, replace and delete work on files': async (api) => {
    const kubectl = new Kubectl(api);
    const file = kubectl.file('task.json', task('one'));
    expect(await kubectl.print(`create -f ${file}`)).toBe('deploytask.tiangong.io/one created\n');
    expect((await kubectl.run(`create -f ${file}`)).code).toBe(1);
    await kubectl.print('replace -f -', { stdin: JSON.stringify(task('one', { priority: 4 })) });
    await kubectl.print(`create -f - -o name`, { stdin: JSON.stringify(task('two')) });
    await kubectl.run('create -f - -o yaml', { stdin: JSON.stringify(task('three', { nope: 1 })) });
    await kubectl.run('create -f - --validate=strict', {
      stdin: JSON.stringify(task('three', { nope: 1, priority: 'x' })),
    });
    await kubectl.run('create -f -', {
      stdin: JSON.stringify({ ...task('x'), metadata: { generateName: 'gen-' } }),
      recorded: false,
    });
    await kubectl.print(`delete -f ${file}`);
    expect((await kubectl.run(`delete -f ${file}`)).code).toBe(1);
    await kubectl.print('replace --force -f -', { stdin: JSON.stringify(task('two', { command: 'other' })) });
  },
  'patch merges and edits by JSON patch': async (api) => {
    const kubectl = new Kubectl(api);
    await kubectl.apply(agent('one', { maxConcurrent: 3 }));
    expect(await kubectl.print('patch ag one --type=merge -p {"spec":{"unschedulable":true}}')).toContain('patched');
    await kubectl.print('patch ag one --type=merge -p {"spec":{"unschedulable":true}}');
    await kubectl.print('patch ag one --type=json -p [{"op":"replace","path":"/spec/maxConcurrent","value":9}]');
    await kubectl.print('patch ag one --type=merge --subresource=status -p {"status":{"version":"1.2"}} -o yaml');
    expect((await kubectl.run('patch ag one -p {"spec":{}}')).code).toBe(1);
    expect((await kubectl.run('patch ag one --type=json -p [{"op":"remove","path":"/spec/none"}]')).code).toBe(1);
    expect((await kubectl.run('patch ag one --type=merge -p {"spec":{"maxConcurrent":0}}')).code).toBe(1);
    expect((await kubectl.run('patch ag none --type=merge -p {}')).code).toBe(1);
    await kubectl.apply(configMap('one', { a: '1' }));
    await kubectl.print('patch cm one -p {"data":{"b":"2"}}');
    await kubectl.print('get cm one -o yaml');
  },
  'edit writes back what the editor left': async (api) => {
    const kubectl = new Kubectl(api);
    await api.post(api.own('agents'), agent('one', { maxConcurrent: 3 }), SILENT);
    const editor = (name: string, script: string): Record<string, string> => ({
      KUBE_EDITOR: kubectl.file(name, `#!/bin/sh\n${script}\n`),
    });
    const edited = await kubectl.print('edit ag one', {
      env: editor('good', `sed -i 's/maxConcurrent: 3/maxConcurrent: 8/' "$1"`),
    });
    expect(edited).toBe('agent.tiangong.io/one edited\n');
    await kubectl.run('edit ag one', { env: editor('none', 'true') });
    const bad = await kubectl.run('edit ag one', {
      env: editor('bad', `sed -i 's/maxConcurrent: 8/maxConcurrent: 0/' "$1"`),
      recorded: false,
    });
    expect(bad.code).toBe(1);
    await kubectl.print('edit ag one --subresource=status', {
      env: editor('status', `printf 'status:\\n  version: v2\\n' >> "$1"`),
    });
    await kubectl.print('get ag one -o yaml');
    await api.post(api.core('configmaps'), configMap('one', { a: 'before' }), SILENT);
    await kubectl.print('edit cm one', { env: editor('cm', `sed -i 's/before/after/' "$1"`) });
    expect(await kubectl.print('get cm one -o jsonpath={.data.a}')).toBe('after');
  },
  'label and annotate': async (api) => {
    const kubectl = new Kubectl(api);
    await api.post(api.own('agents'), agent('one'), SILENT);
    await api.post(api.own('agents'), agent('two'), SILENT);
    for (const line of [
      'label ag one role=db tier=1',
      'label ag one role=db',
      'label ag one role=web --overwrite',
      'label ag one tier-',
      'label ag --all all=yes',
      'label ag -l role=web seen=yes',
      'annotate ag one example.com/note=hello',
      'annotate ag one example.com/note-',
      'label ag one a=b --dry-run=server',
    ]) {
      await kubectl.print(line);
    }
    expect((await kubectl.run('label ag one role=db')).code).toBe(1);
    expect((await kubectl.run('label ag one bad=not!good')).code).toBe(1);
    expect((await kubectl.run('annotate ag none a=b')).code).toBe(1);
    await kubectl.print('get ag --show-labels');
  },
  'delete by name, by selector and all': async (api) => {
    const kubectl = new Kubectl(api);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await api.post(api.own('agents'), agent(name, {}, { labels: { odd: name === 'c' ? 'yes' : 'no' } }), SILENT);
    }
    expect(await kubectl.print('delete ag a')).toBe(`agent.tiangong.io "a" deleted from ${api.namespace} namespace\n`);
    expect((await kubectl.run('delete ag a')).code).toBe(1);
    await kubectl.print('delete ag a --ignore-not-found');
    await kubectl.print('delete ag -l odd=yes');
    await kubectl.print('delete ag b --dry-run=server');
    await kubectl.print('delete ag b --cascade=background --now');
    await kubectl.print('delete ag --all --wait=false');
    expect(await kubectl.print('get ag -o name')).toBe('');
    await api.post(api.own('deploytasks'), task('held', {}, { finalizers: ['tiangong.io/cleanup'] }), SILENT);
    await kubectl.print('delete dt held --wait=false');
    expect((await kubectl.run('delete dt held --timeout=5s')).code).toBe(1);
    await api.post(api.own('deploytasks'), task('freed', {}, { finalizers: ['tiangong.io/cleanup'] }), SILENT);
    const [deleted] = await Promise.all([kubectl.print('delete dt freed'), release(api, 'freed')]);
    expect(deleted).toContain('deleted');
  },
  'wait for conditions, fields and deletion': async (api) => {
    const kubectl = new Kubectl(api);
    await api.post(api.own('deploytasks'), task('one'), SILENT);
    const path = api.own('deploytasks', 'one/status');
    const condition = {
      type: 'Assigned',
      status: 'True',
      reason: 'Dispatched',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    expect((await kubectl.run('wait dt/one --for=condition=Assigned --timeout=5s')).code).toBe(1);
    const [met] = await Promise.all([
      kubectl.print('wait dt/one --for=condition=Assigned --timeout=60s'),
      api.patch(
        path,
        { status: { ...assigned('agent-1'), observedGeneration: 1, conditions: [condition] } },
        undefined,
        SILENT,
      ),
    ]);
    expect(met).toBe('deploytask.tiangong.io/one condition met\n');
    const [field] = await Promise.all([
      kubectl.print('wait dt/one --for=jsonpath={.status.state}=Running --timeout=60s'),
      api.patch(path, { status: { state: 'Running' } }, undefined, SILENT),
    ]);
    expect(field).toBe('deploytask.tiangong.io/one condition met\n');
    await kubectl.print('wait dt --all --for=jsonpath={.status.assignment}');
    // Whether it prints that the condition was met depends on which of the two is first.
    await Promise.all([
      kubectl.print('wait dt/one --for=delete --timeout=60s', SILENT),
      kubectl.print('delete dt one', SILENT),
    ]);
    expect((await kubectl.run('wait dt/none --for=condition=Assigned --timeout=5s')).code).toBe(1);
    await kubectl.run('wait dt/none --for=delete --timeout=5s');
    const [created] = await Promise.all([
      kubectl.print('wait dt/later --for=create --timeout=60s'),
      api.post(api.own('deploytasks'), task('later'), SILENT),
    ]);
    expect(created).toContain('condition met');
  },
  'dry runs and diffs leave everything as it was': async (api) => {
    const kubectl = new Kubectl(api);
    await kubectl.apply(agent('one', { maxConcurrent: 3 }));
    await kubectl.apply(agent('one', { maxConcurrent: 4 }), '--dry-run=server');
    await kubectl.apply(agent('two'), '--dry-run=server -o yaml');
    await kubectl.apply(agent('two'), '--dry-run=client');
    expect(
      (await kubectl.run('apply -f - --dry-run=server', { stdin: JSON.stringify(task('bad', { command: ' ' })) })).code,
    ).toBe(1);
    const changed = await kubectl.run('diff -f -', {
      stdin: JSON.stringify(agent('one', { maxConcurrent: 5 })),
      recorded: false,
    });
    expect(changed.code).toBe(1);
    expect(changed.stdout).toMatch(/-  maxConcurrent: 3\n\+  maxConcurrent: 5/);
    expect((await kubectl.run('diff -f -', { stdin: JSON.stringify(agent('one', { maxConcurrent: 3 })) })).code).toBe(
      0,
    );
    expect(await kubectl.print('get ag -o jsonpath={.items[*].spec.maxConcurrent}')).toBe('3');
  },
  'create makes config maps, secrets and namespaces': async (api) => {
    const kubectl = new Kubectl(api);
    const file = kubectl.file('settings.txt', 'a=1\n');
    await kubectl.print(`create configmap one --from-literal=x=1 --from-file=${file}`);
    await kubectl.print('create cm two --from-literal=x=1 --dry-run=server -o yaml');
    await kubectl.print('create secret generic one --from-literal=password=x --type=tiangong.io/credential');
    expect((await kubectl.run('create secret generic one')).code).toBe(1);
    await kubectl.print('get cm,secret');
    await kubectl.print('get secret one -o jsonpath={.data.password}');
    await kubectl.print(`create namespace ${api.namespace}-x`);
    await kubectl.print(`create ns ${api.namespace}-y --dry-run=server -o yaml`);
    expect((await kubectl.run(`create ns ${api.namespace}-x`)).code).toBe(1);
    await kubectl.print(`create -f - -n ${api.namespace}-x`, { stdin: JSON.stringify(agent('one')) });
    expect((await kubectl.run('create -f - -n nowhere', { stdin: JSON.stringify(agent('one')) })).code).toBe(1);
  },
  'refuses server-side apply with a reason': async (api) => {
    const kubectl = new Kubectl(api);
    const answer = await kubectl.run('apply --server-side -f -', {
      stdin: JSON.stringify(agent('one')),
      differences: ['serverSideApply'],
    });
    expect(answer.code).toBe(api.server.kind === 'real' ? 0 : 1);
    if (api.server.kind === 'embedded') expect(answer.stderr).toMatch(/apply/i);
  },
};
