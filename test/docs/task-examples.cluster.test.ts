import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { zipArchive } from '../../agent/testing/zip-archive.ts';
import { binary } from '../kubernetes/binaries.ts';
import { freePort } from '../kubernetes/free-port.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { Program } from '../programs/program.ts';
import { hasServices, service } from '../services/service.ts';
import type { Service } from '../services/service.ts';
import { readMarkdown, root } from './markdown.ts';
import { comparable, examplesOf } from './task-examples.ts';
import type { Example, TaskRequest } from './task-examples.ts';

/** Stands for the database `shop` and the index `users` of the pages. */
const OWN = `docs_${randomBytes(4).toString('hex')}`;
/** Which servers stand for those of the pages, by type and host. */
const HOSTS: Readonly<Record<string, string>> = {
  'postgres db.example.com': 'postgres',
  'mysql db.example.com': 'mysql',
  'doris doris.example.com': 'mysql',
  'mongo db.example.com': 'mongo',
  'elasticsearch search.example.com': 'elasticsearch',
  'clickhouse ch.example.com': 'clickhouse-18',
  'clickhouse ch-http.example.com': 'clickhouse',
};
/** Whose login each Secret has. */
const SECRETS = {
  'db-login': 'postgres',
  'mysql-login': 'mysql',
  'doris-login': 'mysql',
  'mongo-login': 'mongo',
  'search-login': 'elasticsearch',
  'ch-login': 'clickhouse',
};
/** Of the pages' servers, by type; `clickhouse` is that by HTTP. */
const USUAL_PORTS: Readonly<Record<string, number>> = {
  postgres: 5432,
  mysql: 3306,
  doris: 9030,
  mongo: 27017,
  elasticsearch: 9200,
  'clickhouse-18': 9000,
  clickhouse: 8123,
};
const FILES = {
  'users.csv': 'id,name\n1,ann\n2,bob\n',
  'release.zip': zipArchive([
    { name: 'a.sql', bytes: "SELECT 'a' AS which;\n" },
    { name: 'sub/b.sql', bytes: "SELECT 'b' AS which;\n" },
  ]),
};
const NAMES = ['postgres', 'mysql', 'mongo', 'elasticsearch', 'clickhouse', 'clickhouse-18'] as const;

interface TaskView {
  readonly status: string;
  readonly result: string;
  readonly error: string;
}

describe.skipIf(!hasCluster() || !hasServices(...NAMES))('the examples of docs/tasks', () => {
  const home = mkdtempSync(join(tmpdir(), 'tiangong-examples-'));
  /** Stands for /srv/data. */
  const data = mkdtempSync(join(tmpdir(), 'tiangong-examples-data-'));
  const servers = new Map<string, Service>();
  let up: Program;
  let port: number;

  beforeAll(async () => {
    for (const name of NAMES) servers.set(name, await service(name));
    const [apiPort, kubePort] = await Promise.all([freePort(), freePort()]);
    port = apiPort;
    const config = join(home, 'agent.json');
    writeFileSync(
      config,
      JSON.stringify({
        plugins: [
          shop('postgres', server('postgres'), 'DOCS_PASSWORD'),
          shop('mysql', server('mysql'), 'MYSQL_PASSWORD'),
          search(server('elasticsearch')),
        ],
      }),
    );
    const args = ['up', '--home', home, '--port', String(apiPort), '--kube-port', String(kubePort)];
    const env = {
      TIANGONG_AGENT_CONFIG: config,
      DOCS_PASSWORD: server('postgres').password,
      MYSQL_PASSWORD: server('mysql').password,
      SEARCH_PASSWORD: server('elasticsearch').password,
    };
    up = new Program({ name: 'standalone', args, folder: home, env });
    up.start();
    const status = (): Promise<unknown> => get('agents/local/status').catch(() => undefined);
    await vi.waitFor(async () => expect(await status()).toEqual({ status: 'online' }), {
      timeout: 60_000,
      interval: 100,
    });
    for (const [name, of] of Object.entries(SECRETS)) {
      const { user, password } = server(of);
      const values = [`--from-literal=user=${user}`, `--from-literal=password=${password}`];
      kubectl(['create', 'secret', 'generic', name, '--type=tiangong.io/credential', ...values]);
    }
    await sql(`CREATE DATABASE ${OWN} TEMPLATE template0`, 'postgres');
    await mysql(`CREATE DATABASE ${OWN}`);
    for (const name of ['clickhouse', 'clickhouse-18']) await clickhouse(name, `CREATE DATABASE ${OWN}`);
  });

  afterAll(async () => {
    await up.stop();
    await clear('elasticsearch');
    await clear('mongo');
    await sql(`DROP DATABASE IF EXISTS ${OWN} WITH (FORCE)`, 'postgres');
    await mysql(`DROP DATABASE IF EXISTS ${OWN}`);
    for (const name of ['clickhouse', 'clickhouse-18']) await clickhouse(name, `DROP DATABASE IF EXISTS ${OWN}`);
    for (const folder of [home, data]) rmSync(folder, { recursive: true, force: true });
  });

  it.each(readdirSync(join(root, 'docs/tasks')))('give what %s says', async (page) => {
    const examples = examplesOf(readMarkdown(`docs/tasks/${page}`));
    expect(examples.length).toBeGreaterThan(0);
    // What another try has left.
    for (const name of ['k8s', ...NAMES]) await clear(name);
    for (const example of examples) {
      // A manifest does what the request before it has done already.
      if (example.manifest !== undefined) await clear(serverOf(example.request) ?? example.request.type);
      const given = (await run(example)).map((text) => comparable(asOnPage(text, example.request)));
      if (example.outputs.length === 0) expect(given[1]).toBe('');
      for (const output of example.outputs.map(comparable))
        // The nearest is shown where none is equal.
        expect(given.find((text) => text === output) ?? given.join('\n---\n')).toBe(output);
    }
  });

  const server = (name: string): Service => servers.get(name)!;
  const url = (path: string): string => `http://127.0.0.1:${port}/api/v1/${path}`;
  const get = async (path: string): Promise<unknown> => (await fetch(url(path))).json();

  /** Result, error and log. */
  async function run({ request, manifest }: Example): Promise<string[]> {
    const task = await asHere(request);
    let id: string;
    if (manifest === undefined) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(url('tasks'), { method: 'POST', headers, body: JSON.stringify(task) });
      ({ id } = (await answer.json()) as { id: string });
    } else {
      id = /^ {2}name: (.+)$/m.exec(manifest)?.[1] ?? '';
      const metadata = { name: id };
      // That of another try has ended already.
      kubectl(['delete', 'deploytask', id, '--ignore-not-found']);
      kubectl(
        ['apply', '-f', '-'],
        JSON.stringify({ apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', metadata, spec: task }),
      );
      kubectl(['wait', `deploytask/${id}`, '--for=condition=Finished', '--timeout=60s']);
    }
    const { result, error } = (await get(`tasks/${id}`)) as TaskView;
    const log = (await get(`tasks/${id}/logs`)) as { level: string; message: string }[];
    return [result, error, log.map(({ level, message }) => `${level.padEnd(5)} ${message}`).join('\n')];
  }

  const serverOf = ({ type, params }: TaskRequest): string | undefined =>
    HOSTS[`${type} ${String(params?.target?.['host'])}`];

  /** The request with the servers, databases, files and folders that are here. */
  async function asHere(request: TaskRequest): Promise<TaskRequest> {
    const { type } = request;
    const task = structuredClone(request);
    const name = serverOf(task);
    if (task.params?.target !== undefined && name !== undefined) {
      const { host, user, password, ports, port: usual } = server(name);
      const { target } = task.params;
      Object.assign(target, { host, port: ports['native'] ?? usual });
      if (target['user'] !== undefined) target['user'] = user;
      if (target['password'] !== undefined) target['password'] = password;
      if (type !== 'elasticsearch') Object.assign(target, { database: OWN, db: OWN });
    }
    if (type === 'elasticsearch' && task.command !== undefined)
      task.command = task.command.replaceAll('"users"', `"${OWN}"`);
    const path = task.params?.['target_path'];
    if (typeof path === 'string') task.params!['target_path'] = path.replace('/srv/data', data);
    const address = task.params?.['url'];
    if (typeof address === 'string') task.params!['url'] = address.replace(':8080', `:${port}`);
    if (task.file_id !== undefined) task.file_id = await upload(type);
    if (task['fileId'] !== undefined) task['fileId'] = await upload(type);
    return task;
  }

  /** A text with the names of the page. */
  function asOnPage(text: string, { type }: TaskRequest): string {
    const hosts = Object.entries(HOSTS).filter(([name]) => name.startsWith(`${type} `));
    const named = hosts.reduce((shown, [name, of]) => {
      const { host, ports, port: usual, user } = server(of);
      const usualPort = USUAL_PORTS[of.startsWith('clickhouse') ? of : type] ?? 0;
      const place = `${name.split(' ')[1]}:${usualPort}`;
      const login = ['postgres', 'mysql', 'mongo'].includes(of) ? 'app' : user;
      const here = `${host}:${ports['native'] ?? usual}`;
      return shown.replaceAll(`${user}@${here}`, `${login}@${place}`).replaceAll(here, place);
    }, text);
    const own = { elasticsearch: 'users', clickhouse: 'default' }[type] ?? 'shop';
    return named.replaceAll(OWN, own).replaceAll(data, '/srv/data');
  }

  async function upload(type: string): Promise<string> {
    const name = ['postgres', 'mysql'].includes(type) ? 'release.zip' : 'users.csv';
    const body = new FormData();
    body.set('file', new File([FILES[name]], name));
    return ((await (await fetch(url('files'), { method: 'POST', body })).json()) as { id: string }).id;
  }

  /** Takes away what the examples for a server or a type have made. */
  async function clear(name: string): Promise<void> {
    if (name === 'k8s') kubectl(['delete', 'configmap', 'settings', 'other', '--ignore-not-found']);
    else if (name === 'postgres') await sql('DROP TABLE IF EXISTS users', OWN);
    else if (name === 'mysql') await mysql(`DROP TABLE IF EXISTS ${OWN}.users, ${OWN}.events`);
    else if (name.startsWith('clickhouse')) await clickhouse(name, `DROP TABLE IF EXISTS ${OWN}.events`);
    else if (name === 'elasticsearch') {
      const { host, port: usual, user, password } = server(name);
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      await fetch(`http://${host}:${usual}/${OWN}`, { method: 'DELETE', headers: { authorization } });
    } else if (name === 'mongo') {
      const { host, port: usual, user, password } = server(name);
      await using client = new MongoClient(`mongodb://${user}:${password}@${host}:${usual}/`);
      await client.db(OWN).dropDatabase();
    }
  }

  async function sql(statement: string, database: string): Promise<void> {
    const { host, port: usual, user, password } = server('postgres');
    const client = new pg.Client({ host, port: usual, user, password, database });
    await client.connect();
    await client.query(statement).finally(() => client.end());
  }

  async function mysql(statement: string): Promise<void> {
    const { host, port: usual, user, password } = server('mysql');
    const client = await createConnection({ host, port: usual, user, password });
    await client.query(statement).finally(() => client.end());
  }

  async function clickhouse(name: string, body: string): Promise<void> {
    const { host, port: usual } = server(name);
    const answer = await fetch(`http://${host}:${usual}/`, { method: 'POST', body });
    expect(await answer.text()).toBe('');
  }

  function kubectl(args: readonly string[], input = ''): void {
    const env = { ...process.env, KUBECONFIG: join(home, 'kubeconfig') };
    const { status, stderr } = spawnSync(binary('kubectl'), args, { encoding: 'utf8', input, env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }
});

const shop = (type: string, { host, port, user }: Service, password_env: string): object => ({
  type,
  config: { connections: [{ name: 'shop', host, port, user, database: OWN, password_env }] },
});

const search = ({ host, port, user }: Service): object => ({
  type: 'elasticsearch',
  config: { connections: [{ name: 'default', host, port, user, password_env: 'SEARCH_PASSWORD' }] },
});
