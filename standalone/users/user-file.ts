import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestOf } from '../apiserver/auth/token-authenticator.ts';
import type { KnownToken } from '../apiserver/auth/token-authenticator.ts';
import { PEOPLE } from '../apiserver/auth/roles.ts';
import type { PersonRole } from '../apiserver/auth/roles.ts';
import { AUTHENTICATED } from '../identities.ts';
import { writePrivateFile } from '../private-file.ts';
import { StartError } from '../start-error.ts';

/** Somebody who may use both APIs of `tiangong up`, as the file has them: of the token only its digest. */
export interface PersonRecord {
  readonly name: string;
  readonly role: PersonRole;
  /** SHA-256 of the token, in hexadecimal digits. Tokens hold 256 random bits: no guess finds one by its digest. */
  readonly sha256: string;
  /** An ISO time. */
  readonly created: string;
}

/** No name that a part of the product or of Kubernetes has, and none that is hard to tell from another. */
const NAME = /^[a-z0-9]([a-z0-9._@-]{0,61}[a-z0-9])?$/;

export const isPersonRole = (text: string): text is PersonRole => Object.hasOwn(PEOPLE, text);

/** The file of people, `users.json` in the home folder. */
export class UserFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Nobody when there is no file. Rejects with `StartError` when it is not what this program writes. */
  read(): readonly PersonRecord[] {
    if (!existsSync(this.path)) return [];
    try {
      const { users } = JSON.parse(readFileSync(this.path, 'utf8')) as { users: unknown };
      if (!Array.isArray(users) || !users.every(isPerson)) throw new Error('it does not list users');
      return users;
    } catch (err) {
      throw new StartError(`${this.path} cannot be read: ${(err as Error).message}`, { cause: err });
    }
  }

  /** Adds somebody and returns the token, which is nowhere kept. */
  async add(name: string, role: PersonRole): Promise<string> {
    if (!NAME.test(name))
      throw new StartError(
        `${JSON.stringify(name)} can be no name of a user: up to 63 small letters, digits, and . _ @ - between them`,
      );
    const token = `tiangong-${randomBytes(32).toString('base64url')}`;
    await this.#change((users) => {
      if (users.some((user) => user.name === name))
        throw new StartError(`there is a user ${name}; for another role or token remove it first`);
      return [...users, { name, role, sha256: digestOf(token).toString('hex'), created: new Date().toISOString() }];
    });
    return token;
  }

  async remove(name: string): Promise<void> {
    await this.#change((users) => {
      if (!users.some((user) => user.name === name)) throw new StartError(`there is no user ${name}`);
      return users.filter((user) => user.name !== name);
    });
  }

  async #change(change: (users: readonly PersonRecord[]) => readonly PersonRecord[]): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const lock = `${this.path}.lock`;
    const held = await open(lock, 'wx', 0o600).catch((err: unknown) => {
      if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err;
      throw new StartError(`somebody else changes users at this moment; if not, remove ${lock}`);
    });
    try {
      await writePrivateFile(this.path, `${JSON.stringify({ users: change(this.read()) }, null, 2)}\n`);
    } finally {
      await held.close();
      await rm(lock, { force: true });
    }
  }
}

/** What the embedded API server is to know of people. */
export const tokensOf = (people: readonly PersonRecord[]): KnownToken[] =>
  people.map(({ name, role, sha256 }) => ({
    digest: Buffer.from(sha256, 'hex'),
    user: { name, groups: [PEOPLE[role].group, AUTHENTICATED] },
  }));

function isPerson(value: unknown): value is PersonRecord {
  const { name, role, sha256, created } = (value ?? {}) as Partial<Record<keyof PersonRecord, unknown>>;
  return (
    typeof name === 'string' &&
    NAME.test(name) &&
    typeof role === 'string' &&
    isPersonRole(role) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    typeof created === 'string'
  );
}
