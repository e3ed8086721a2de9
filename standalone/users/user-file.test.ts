import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenAuthenticator } from '../apiserver/auth/token-authenticator.ts';
import type { KnownToken } from '../apiserver/auth/token-authenticator.ts';
import { tokensOf, UserFile } from './user-file.ts';
import { watchUsers } from './watch-users.ts';

describe('UserFile', () => {
  let folder: string;
  let file: UserFile;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tiangong-users-'));
    file = new UserFile(join(folder, 'home', 'users.json'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps the digests of tokens, for its owner alone, and never a token', async () => {
    expect(file.read()).toEqual([]);
    const token = await file.add('alice', 'edit');
    const text = readFileSync(file.path, 'utf8');
    expect(token).toMatch(/^tiangong-[\w-]{43}$/);
    expect(text).not.toContain(token.slice(9));
    expect(statSync(file.path).mode & 0o077).toBe(0);
    const authenticator = new TokenAuthenticator(new Map());
    authenticator.setPeople(tokensOf(file.read()));
    expect(authenticator.authenticate(token)).toEqual({
      name: 'alice',
      groups: ['tiangong:edit', 'system:authenticated'],
    });
    expect(authenticator.authenticate(`${token}x`)).toBeUndefined();
    await file.remove('alice');
    authenticator.setPeople(tokensOf(file.read()));
    expect(authenticator.authenticate(token)).toBeUndefined();
  });

  it('has everybody once', async () => {
    await file.add('alice', 'view');
    await expect(file.add('alice', 'admin')).rejects.toThrow('there is a user alice');
    await expect(file.remove('bob')).rejects.toThrow('there is no user bob');
    expect(file.read().map(({ name, role }) => [name, role])).toEqual([['alice', 'view']]);
    expect(existsSync(`${file.path}.lock`)).toBe(false);
  });

  it('takes no name that could be taken for a part of the product', async () => {
    for (const name of ['tiangong:api', 'system:masters', '', 'Alice', 'a b', '-a', 'a\n', 'ä', 'a'.repeat(64)])
      await expect(file.add(name, 'view')).rejects.toThrow('can be no name of a user');
    await file.add('alice.b@example.com', 'view');
  });

  it('loses nobody when two are added at once', async () => {
    const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => file.add(name, 'view')));
    const added = results.filter(({ status }) => status === 'fulfilled').length;
    expect(added).toBeGreaterThan(0);
    expect(file.read().length).toBe(added);
  });

  it('refuses a file that it did not write', async () => {
    await file.add('alice', 'view');
    const text = readFileSync(file.path, 'utf8');
    for (const broken of [
      '',
      '{}',
      text.replace('"view"', '"system:masters"'),
      text.replace('alice', 'tiangong:api'),
    ]) {
      writeFileSync(file.path, broken);
      expect(() => file.read()).toThrow(/users\.json cannot be read/);
    }
  });

  it('tells of changes, and keeps those known before while the file is broken', async () => {
    const seen: (readonly KnownToken[])[] = [];
    const errors: unknown[] = [];
    const stop = watchUsers(file, { onChange: (known) => seen.push(known), onError: (err) => errors.push(err) }, 5);
    expect(seen).toEqual([[]]);
    await file.add('alice', 'view');
    await expect.poll(() => seen.at(-1)?.map(({ user }) => user.name)).toEqual(['alice']);
    writeFileSync(file.path, 'broken');
    await expect.poll(() => errors.length).toBe(1);
    expect(seen.length).toBe(2);
    rmSync(file.path);
    await expect.poll(() => seen.at(-1)).toEqual([]);
    stop();
  });
});
