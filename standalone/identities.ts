import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { User } from './apiserver/embedded-server.ts';
import { writePrivateFile } from './private-file.ts';

/** The roles of the embedded API server: issue of tokens by role, `agent/<name>` for agents, `tasks` for what k8s tasks do. */
export type Role = 'admin' | 'api' | 'operator' | 'tasks' | `agent/${string}`;

/** The group of everybody who is known. */
export const AUTHENTICATED = 'system:authenticated';

/** The user that a role's token stands for. */
export function userOf(role: Role): User {
  const groups = role === 'admin' ? ['system:masters', AUTHENTICATED] : [AUTHENTICATED];
  return { name: `tiangong:${role.replace('/', ':')}`, groups };
}

/** Bearer tokens by role: made at the first start, kept in a file that only its owner may read. */
export async function loadTokens(path: string, roles: readonly Role[]): Promise<Record<string, string>> {
  const tokens = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>) : {};
  const missing = roles.filter((role) => tokens[role] === undefined);
  if (missing.length === 0) return tokens;
  for (const role of missing) tokens[role] = randomBytes(32).toString('base64url');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writePrivateFile(path, `${JSON.stringify(tokens, null, 2)}\n`);
  return tokens;
}

export function usersByToken(tokens: Readonly<Record<string, string>>): Map<string, User> {
  return new Map(Object.entries(tokens).map(([role, token]) => [token, userOf(role as Role)]));
}
