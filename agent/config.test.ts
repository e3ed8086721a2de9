import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

function file(yaml: string): string {
  const path = join(temporaryFolder(), 'agent.yaml');
  writeFileSync(path, yaml);
  return path;
}

describe('loadConfig', () => {
  it('needs nothing: the name is the host, addresses are verified, nothing is denied but where clouds have credentials', () => {
    const config = loadConfig({}, {});
    expect(config).toMatchObject({ namespace: 'default', drainSeconds: 20, wait: false, labels: {} });
    expect(config.name).toMatch(/^[a-z0-9]/);
    expect(config.executors).toEqual({ shell: {}, api: {}, k8s: {}, file: {}, connections: new Map(), disabled: [] });
  });

  it('takes flags before the environment, and the environment before the file', () => {
    const config = file('{name: from-file, home_namespace: from-file, env: from-file, drain_seconds: 5}');
    const environment = { TIANGONG_HOME_NAMESPACE: 'from-env', TIANGONG_AGENT_NAME: 'from-env' };
    expect(loadConfig({ config, name: 'from-flag' }, environment)).toMatchObject({
      name: 'from-flag',
      namespace: 'from-env',
      env: 'from-file',
      drainSeconds: 5,
    });
  });

  it('says how it is only where it is told to', () => {
    expect(loadConfig({}, {}).health).toBeUndefined();
    expect(loadConfig({ healthPort: '0' }, {}).health).toEqual({ host: '127.0.0.1', port: 0 });
    const environment = { TIANGONG_HEALTH_HOST: '10.0.0.1', TIANGONG_HEALTH_PORT: '8082' };
    expect(loadConfig({}, environment).health).toEqual({ host: '10.0.0.1', port: 8082 });
    expect(() => loadConfig({ healthPort: '65536' }, {})).toThrow('health_port must be a port');
  });

  it('reads labels, plugins and the security file', () => {
    const security_file = file('blocked_patterns: [{pattern: rm}]');
    const config = file(`
security_file: ${security_file}
labels: {zone: a}
plugins:
  - {type: shell, enabled: true}
  - {type: api, config: {verify_ssl: false, deny_addresses: [loopback, 10.0.0.0/8], max_body_bytes: 1000}}
`);
    const loaded = loadConfig({ config }, {});
    expect(loaded.labels).toEqual({ zone: 'a' });
    expect(loaded.executors.api).toEqual({
      addresses: { deny: ['loopback', '10.0.0.0/8'] },
      verifySsl: false,
      maxBodyBytes: 1000,
    });
    expect(loaded.executors.shell.policy?.check('rm x', {}).allowed).toBe(false);
    expect(loadConfig({ config, labels: 'zone=b, disk=ssd' }, {}).labels).toEqual({ zone: 'b', disk: 'ssd' });
    expect(loadConfig({ config: file('plugins: [{type: shell, enabled: false}]') }, {}).executors.disabled).toEqual([
      'shell',
    ]);
  });

  it('reads whether commands run on the host, and whose rights k8s tasks have', () => {
    const config = file(`
plugins:
  - {type: shell, config: {nsenter: true}}
  - {type: k8s, config: {service_account: {namespace: apps, name: deployer}}}
`);
    const { shell, k8s } = loadConfig({ config }, {}).executors;
    expect(shell).toEqual({ hostPid: 1 });
    expect(k8s).toEqual({ serviceAccount: { namespace: 'apps', name: 'deployer' } });
    expect(
      loadConfig({ config: file('plugins: [{type: shell, config: {nsenter: false}}]') }, {}).executors.shell,
    ).toEqual({});
  });

  it('reads where objects, files and databases are', () => {
    const config = file(`
plugins:
  - {type: k8s, config: {kubeconfig: /etc/kubeconfig, namespace: apps, require_service_account: true}}
  - {type: file, config: {roots: [/srv], cache_bytes: 1000}}
  - type: postgres
    config:
      connections:
        - {name: default, host: db.example.com, user: app, password_env: DB_PASSWORD, sslmode: require}
        - {name: other, host: 10.0.0.1, port: 5433, database: shop, password_file: /run/password, verify_ssl: false}
`);
    const { k8s, file: files, connections } = loadConfig({ config }, {}).executors;
    expect(k8s).toEqual({ kubeconfig: '/etc/kubeconfig', namespace: 'apps', requireServiceAccount: true });
    expect(files).toEqual({ roots: ['/srv'], cacheBytes: 1000 });
    expect([...(connections.get('postgres')?.values() ?? [])]).toEqual([
      { name: 'default', host: 'db.example.com', user: 'app', passwordEnv: 'DB_PASSWORD', sslmode: 'require' },
      {
        ...{ name: 'other', host: '10.0.0.1', port: 5433, database: 'shop' },
        passwordFile: '/run/password',
        verifySsl: false,
      },
    ]);
  });

  it('closes to tasks every file that holds a login', () => {
    const config = file(`
kubeconfig: /etc/agent/kubeconfig
private_paths: [/etc/tiangong]
plugins:
  - {type: mongo, config: {connections: [{name: a, host: b, password_file: /run/password}]}}
  - {type: elasticsearch, config: {connections: [{name: a, host: b, api_key_file: /run/key}]}}
  - type: mysql
    config:
      connections: [{name: a, host: b, backup_user: c, backup_password_file: /run/backup}]
      goinception_url: http://localhost:4000
      goinception_backup_host: backup
      goinception_backup_user: reader
      goinception_backup_password_file: /run/goinception
`);
    const environment = { TIANGONG_PRIVATE_PATHS: '/home/up:', TIANGONG_K8S_KUBECONFIG: '/etc/agent/tasks' };
    const { privatePaths } = loadConfig({ config }, environment);
    const named = [
      '/etc/agent/kubeconfig',
      '/etc/agent/tasks',
      '/run/password',
      '/run/key',
      '/run/backup',
      '/run/goinception',
      '/etc/tiangong',
      '/home/up',
    ];
    expect(privatePaths).toEqual(expect.arrayContaining(named));
    expect(privatePaths).not.toContain('');
  });

  it.each([
    ['http://localhost:4000', { host: 'localhost', port: 4000 }],
    ['mysql://inception.example.com:4001', { host: 'inception.example.com', port: 4001 }],
    ['inception', { host: 'inception', port: 4000 }],
    ['https://[::1]:80/', { host: '::1', port: 80 }],
  ])('finds goInception at %s', (url, expected) => {
    const config = file(`plugins: [{type: mysql, config: {goinception_url: "${url}"}}]`);
    expect(loadConfig({ config }, {}).executors.goInception).toEqual(expected);
  });

  it('reads who backs up a connection, and that it has a ledger', () => {
    const config = file(`
plugins:
  - type: mysql
    config: {connections: [{name: a, host: b, backup_user: reader, backup_password_env: READER, ledger: true}]}
`);
    expect(loadConfig({ config }, {}).executors.connections.get('mysql')?.get('a')).toEqual({
      ...{ name: 'a', host: 'b', backupUser: 'reader', backupPasswordEnv: 'READER', ledger: true },
    });
  });

  it.each([
    ['plugins: [{type: mysql, config: {goinception_backup_host: a}}]', /goinception_backup_host needs goinception_url/],
    ['plugins: [{type: mysql, config: {goinception_url: a, goinception_backup_host: b}}]', /go together/],
    ['plugins: [{type: mysql, config: {goinception_url: "mysql://u:p@a"}}]', /may not hold a login/],
    ['plugins: [{type: mysql, config: {goinception_url: "http://"}}]', /must be an address/],
    ['plugins: [{type: mysql, config: {connections: [{name: a, host: b, backup_password: c}]}}]', /may not stand/],
    ['plugins: [{type: mongo, config: {connections: [{name: a, host: b, password: c}]}}]', /password may not stand/],
    ['plugins: [{type: mongo, config: {connections: [{name: a}]}}]', /name and host are required/],
    ['plugins: [{type: mongo, config: {connections: [{name: a, host: b}, {name: a, host: c}]}}]', /two connections/],
    ['plugins: [{type: mongo, config: {connections: [{name: a, host: b, pot: 1}]}}]', /unknown setting pot/],
    ['nam: x', /unknown setting nam; known are: name/],
    ['plugins: [{type: shel}]', /plugins\[0\]: type must be/],
    ['plugins: [{type: api, config: {verify: true}}]', /plugins\[0\]\.config: unknown setting verify/],
    ['plugins: [{type: shell, config: {nsenter: 1}}]', /config: nsenter must be true or false/],
    ['plugins: [{type: k8s, config: {service_account: {name: a}}}]', /service_account must have namespace and name/],
    ['drain_seconds: soon', /drain_seconds must be a number/],
    ['name: Not A Name', /cannot be an agent's name/],
    ['api_url: "localhost:8080"', /must begin with http/],
    ['security_file: /no/such/file', /the security file cannot be used/],
    ['labels: [a]', /labels must be a map/],
    ['- x', /must be a map/],
    ['a: [', /cannot read the configuration/],
  ])('says what is wrong with %s', (yaml, message) => {
    expect(() => loadConfig({ config: file(yaml) }, {})).toThrow(message);
  });

  it('says so when labels are no pairs', () => {
    expect(() => loadConfig({ labels: 'zone' }, {})).toThrow(/key=value/);
  });
});
