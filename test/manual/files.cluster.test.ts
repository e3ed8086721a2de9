import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipArchive } from '../../agent/testing/zip-archive.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestFile } from '../programs/rest-client.ts';
import { TaskClient } from '../programs/task-client.ts';
import { hasServices, service } from '../services/service.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const TABLE = `manual_${randomBytes(4).toString('hex')}`;

describe.skipIf(!hasCluster())("the manual's examples of files (§5), and tasks with a file", () => {
  let programs: Programs;
  let tasks: TaskClient;

  beforeAll(async () => {
    programs = await startPrograms(await sharedCluster());
    tasks = new TaskClient(programs);
  });

  afterAll(() => programs.stop());

  const upload = (name: string, content: string | Uint8Array<ArrayBuffer>): Promise<RestFile> =>
    programs.rest.upload(name, new Blob([content]));
  const fetchApi = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${programs.rest.url}/api/v1${path}`, init);

  describe('5. uploads', () => {
    it('the curl example answers with the record', async () => {
      const form = new FormData();
      form.set('file', new Blob(['hello file\n'], { type: 'text/plain' }), 'file.txt');
      const response = await fetchApi('/files', { method: 'POST', body: form });
      expect(response.status).toBe(201);
      const file = (await response.json()) as RestFile;
      expect(Object.keys(file).slice(0, 8).join(' ')).toBe('id name path size content_type md5 created_at updated_at');
      expect(file).toMatchObject({
        id: expect.stringMatching(/^file-/) as string,
        name: 'file.txt',
        path: expect.stringContaining('file.txt') as string,
        size: 11,
        content_type: expect.stringMatching(/^text\/plain/) as string,
        md5: createHash('md5').update('hello file\n').digest('hex'),
        created_at: expect.stringMatching(TIME) as string,
        updated_at: expect.stringMatching(TIME) as string,
      });
    });

    it('the same content is stored once: the answer is the first record', async () => {
      const first = await upload('first.txt', 'twice the same');
      expect(await upload('second.txt', 'twice the same')).toEqual(first);
    });

    it('names are freed of paths', async () => {
      for (const [i, name] of ['../../etc/evil.txt', '..\\..\\evil.txt', '/etc/evil.txt'].entries()) {
        const file = await upload(name, `evil ${i}`);
        expect(`${file.name} ${file.path.split('/').at(-1) ?? ''}`).not.toMatch(/\.\.|\\|etc\//);
      }
    });

    it('another content under a known name gets the id as a prefix of its path', async () => {
      const [first, second] = [await upload('same-name.txt', 'one'), await upload('same-name.txt', 'two')];
      expect([first.name, second.name]).toEqual(['same-name.txt', 'same-name.txt']);
      expect(second.path).not.toBe(first.path);
      expect(second.path).toContain(second.id);
    });

    it('a body without the field `file` is refused', async () => {
      const form = new FormData();
      form.set('other', new Blob(['x']), 'x.txt');
      const response = await fetchApi('/files', { method: 'POST', body: form });
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ error: expect.stringMatching(/^failed to upload file: /) as string }),
      ]);
    });

    it('lists, shows, gives back and deletes files', async () => {
      const content = randomBytes(300_000);
      const file = await upload('bytes.bin', new Uint8Array(content));
      expect(await programs.rest.get(`/files/${file.id}`)).toEqual(file);
      expect(await programs.rest.get<RestFile[]>('/files')).toContainEqual(file);
      const download = await fetchApi(`/files/${file.id}/download`);
      expect(Buffer.from(await download.arrayBuffer()).equals(content)).toBe(true);
      await programs.rest.delete(`/files/${file.id}`);
      const gone = await fetchApi(`/files/${file.id}`);
      expect([gone.status, await gone.json()]).toEqual([404, expect.objectContaining({ error: 'file not found' })]);
    });

    it('distributes a file to agents', async () => {
      const file = await upload('to-agents.txt', 'for all agents');
      const path = join(programs.folder, 'distributed.txt');
      const answer = await programs.rest.post<{ message: string; tasks: { agent_id: string; task_id: string }[] }>(
        `/files/${file.id}/distribute`,
        { agent_ids: [programs.agentName], path },
      );
      expect(answer).toMatchObject({ message: 'file distribution started', tasks: [{ agent_id: programs.agentName }] });
      const task = await tasks.ended(answer.tasks[0]!.task_id);
      expect(task).toMatchObject({ status: 'success', result: `File copied to ${path}` });
      expect(readFileSync(path, 'utf8')).toBe('for all agents');
    });
  });

  it('a shell task finds its file, which nobody has distributed, at $TIANGONG_FILE', async () => {
    const file = await upload('for-shell.txt', 'read by a shell\n');
    const task = await tasks.run({ type: 'shell', command: 'cat "$TIANGONG_FILE"', file_id: file.id });
    expect(task).toMatchObject({ status: 'success', result: 'read by a shell\n', file_id: file.id });
  });

  it('an api task may name a file, which is recorded and not sent', async () => {
    const file = await upload('for-api.txt', 'not sent');
    const params = { url: `${programs.rest.url}/api/v1/agents` };
    const task = await tasks.run({ type: 'api', params, file_id: file.id });
    expect(task).toMatchObject({ status: 'success', file_id: file.id });
  });

  it('a k8s task takes its manifests from its file', async () => {
    const name = TABLE.replaceAll('_', '-');
    const file = await upload('manifest.yaml', `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`);
    const task = await tasks.run({ type: 'k8s', file_id: file.id, params: { namespace: 'default' } });
    expect(task.status, task.error).toBe('success');
    const command = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;
    const params = { operation: 'delete', namespace: 'default' };
    expect((await tasks.run({ type: 'k8s', command, params })).status).toBe('success');
  });

  describe.skipIf(!hasServices('postgres'))('4. SQL from files', () => {
    let witness: Client;
    let params: Record<string, unknown>;

    beforeAll(async () => {
      const { host, port, user, password } = await service('postgres');
      params = { target: { host, port, user, password } };
      witness = new Client({ host, port, user, password, database: 'postgres' });
      await witness.connect();
      await witness.query(`CREATE TABLE ${TABLE} (note text)`);
    });

    afterAll(async () => {
      await witness.query(`DROP TABLE ${TABLE}`);
      await witness.end();
    });

    const insert = (note: string): string => `INSERT INTO ${TABLE} VALUES ('${note}');`;
    /** Runs a task and returns what it has inserted. */
    async function notesOf(body: object): Promise<unknown[]> {
      await witness.query(`TRUNCATE ${TABLE}`);
      const task = await tasks.run({ type: 'postgres', params, ...body });
      expect(task.status, task.error).toBe('success');
      return (await witness.query<{ note: string }>(`SELECT note FROM ${TABLE} ORDER BY note`)).rows.map(
        ({ note }) => note,
      );
    }

    const zip = (): Promise<RestFile> =>
      upload(
        'migrations.zip',
        new Uint8Array(
          zipArchive([
            { name: 'README.md', bytes: 'not SQL' },
            { name: 'migration_v2.sql', bytes: insert('v2') },
            { name: 'migration_v1.sql', bytes: insert('v1') },
          ]),
        ),
      );

    it('a .sql file, which counts before command', async () => {
      const file = await upload('statements.sql', `${insert('from the file')}\n-- a comment\n${insert('twice')}`);
      expect(await notesOf({ file_id: file.id })).toEqual(['from the file', 'twice']);
      expect(await notesOf({ file_id: file.id, command: insert('from command') })).toEqual(['from the file', 'twice']);
    });

    it('the entry of a .zip that params.file_name names, else the first .sql in the order of names', async () => {
      const { id } = await zip();
      expect(await notesOf({ file_id: id, params: { ...params, file_name: 'migration_v2.sql' } })).toEqual(['v2']);
      expect(await notesOf({ file_id: id })).toEqual(['v1']);
    });

    it('a .sql.gz', async () => {
      const file = await upload('statements.sql.gz', new Uint8Array(gzipSync(insert('packed'))));
      expect(await notesOf({ file_id: file.id })).toEqual(['packed']);
    });

    it('params.file_path, a file on the agent, before all', async () => {
      const path = join(programs.folder, 'local.sql');
      writeFileSync(path, insert('on the agent'));
      const file = await upload('not-this.sql', insert('uploaded'));
      expect(await notesOf({ file_id: file.id, params: { ...params, file_path: path } })).toEqual(['on the agent']);
    });

    it("a file that was distributed before, in the agent's folder tmp", async () => {
      const { id } = await upload('distributed.sql', insert('distributed'));
      const { tasks: distributions } = await programs.rest.post<{ tasks: { task_id: string }[] }>(
        `/files/${id}/distribute`,
        { agent_ids: [programs.agentName] },
      );
      const { status, error } = await tasks.ended(distributions[0]!.task_id);
      expect(status, error).toBe('success');
      expect(existsSync(join(programs.folder, 'agent', 'work', 'tmp', id))).toBe(true);
      expect(await notesOf({ file_id: id })).toEqual(['distributed']);
    });

    it('a file that cannot be had, and a zip without what is named, say so', async () => {
      const missing = await tasks.run({ type: 'postgres', params, file_id: 'file-abc123' }).catch(String);
      expect(JSON.stringify(missing)).toMatch(/file.*not found/);
      const { id } = await zip();
      const nameless = await tasks.run({ type: 'postgres', file_id: id, params: { ...params, file_name: 'x.sql' } });
      expect(nameless).toMatchObject({
        status: 'failed',
        error: expect.stringContaining("'x.sql' not found") as string,
      });
    });
  });
});
