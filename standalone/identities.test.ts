import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTokens, userOf, usersByToken } from './identities.ts';

describe('loadTokens', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tiangong-tokens-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('makes a token a role, once', async () => {
    const path = join(folder, 'home', 'tokens.json');
    const first = await loadTokens(path, ['admin', 'api']);
    expect(new Set(Object.values(first)).size).toBe(2);
    expect(await loadTokens(path, ['admin', 'api'])).toEqual(first);
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('adds what a newer version needs and keeps the rest', async () => {
    const path = join(folder, 'tokens.json');
    const first = await loadTokens(path, ['admin']);
    const second = await loadTokens(path, ['admin', 'agent/local']);
    expect(second['admin']).toBe(first['admin']);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(second);
  });
});

describe('usersByToken', () => {
  it('knows the role behind each token', () => {
    const users = usersByToken({ admin: 'a', 'agent/local': 'b' });
    expect(users.get('a')).toEqual({ name: 'tiangong:admin', groups: ['system:masters', 'system:authenticated'] });
    expect(users.get('b')).toEqual(userOf('agent/local'));
    expect(userOf('agent/local')).toEqual({ name: 'tiangong:agent:local', groups: ['system:authenticated'] });
  });
});
