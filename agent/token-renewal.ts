import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { dump, load } from 'js-yaml';
import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { readClaims } from './token-claims.ts';
import type { TokenClaims } from './token-claims.ts';

export interface TokenRenewalOptions {
  /** The kubeconfig's file, as `tiangong agent join` writes it: its token is in it. */
  readonly path: string;
  /** What was read from it; is changed when the token is. */
  readonly config: KubeConfig;
  /** Connected by `config`. */
  readonly client: KubeClient;
  readonly logger: Logger;
  /** How often the token and its file are looked at; a minute unless set. */
  readonly checkMs?: number;
  /** The time, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** A token is renewed when so much of its life is left: enough for some days without the API server, of 30. */
const RENEW_AT = 0.2;

const CHECK_MS = 60_000;

/** The API server grants none that is shorter. */
const MIN_SECONDS = 600;

interface KubeconfigFile {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly user?: string } }[];
  readonly users?: readonly { readonly name: string; readonly user: { token?: string } }[];
}

/**
 * Keeps the token of an agent outside of the cluster valid: asks for a new one in time, by the right to its own, and puts it
 * into the file, whole or not at all. Takes up a file that somebody else has replaced as well. A token that cannot be renewed
 * (of a person, of a pod) is left alone.
 */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  readonly #now: () => number;
  /** What the file held when it was looked at last. */
  #fileText: string | undefined;
  /** What is in use; the file's, unless it could not be written. */
  #text = '';
  /** The end of the token that was told to be near or over. */
  #toldOf: number | undefined;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Looks again and again until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { checkMs = CHECK_MS, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await this.check(signal);
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, 'the token could not be renewed; trying again');
      }
      await sleep(checkMs * (0.9 + Math.random() / 5), signal);
    }
  }

  /** Does what is due. Rejects when that fails: call it again later. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#takeUp();
    const token = this.#options.config.getCurrentUser()?.token;
    const claims = token === undefined ? undefined : readClaims(token);
    if (!claims?.account.startsWith('agent-')) return;
    const left = claims.expiresAt - this.#now();
    if (left > (claims.expiresAt - claims.issuedAt) * RENEW_AT) return;
    this.#warnOfEnd(claims, left);
    await this.#renew(claims, signal);
  }

  /** Somebody may have joined the agent again. */
  async #takeUp(): Promise<void> {
    const { path, logger } = this.#options;
    const text = await readFile(path, 'utf8');
    if (text === this.#fileText) return;
    const isFirst = this.#fileText === undefined;
    this.#load(text);
    this.#fileText = text;
    this.#text = text;
    if (!isFirst) logger.info({ path }, 'took up the kubeconfig that was replaced');
  }

  /** Paths in the file are relative to it, as when it was loaded first. */
  #load(text: string): void {
    const { path, config } = this.#options;
    config.loadFromString(text);
    config.makePathsAbsolute(dirname(path));
  }

  async #renew(claims: TokenClaims, signal: AbortSignal): Promise<void> {
    const { path, client, logger } = this.#options;
    const { namespace, account, issuedAt, expiresAt } = claims;
    const expirationSeconds = Math.max(MIN_SECONDS, Math.round((expiresAt - issuedAt) / 1000));
    const { status } = await client.raw<{ status: { token: string; expirationTimestamp: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      body: JSON.stringify({
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
        spec: { expirationSeconds },
      }),
      signal,
    });
    const text = withToken(this.#text, status.token);
    // In use from now on, also when the file cannot be written.
    this.#load(text);
    this.#text = text;
    await replaceFile(path, text);
    this.#fileText = text;
    logger.info({ account, expires: status.expirationTimestamp }, 'the token was renewed');
  }

  #warnOfEnd({ account, expiresAt }: TokenClaims, left: number): void {
    if (left > 0 || this.#toldOf === expiresAt) return;
    this.#toldOf = expiresAt;
    this.#options.logger.error(
      { account, ended: new Date(expiresAt).toISOString() },
      'the token has ended: have an admin run `tiangong agent join` again, and put the new kubeconfig in place of the old one',
    );
  }
}

/** The kubeconfig with another token for its current user. */
function withToken(text: string, token: string): string {
  const file = load(text) as KubeconfigFile;
  const context = file.contexts?.find(({ name }) => name === file['current-context']);
  const user = file.users?.find(({ name }) => name === context?.context.user)?.user;
  if (user?.token === undefined) throw new Error('the kubeconfig has no token of its current user in it');
  user.token = token;
  return text.trimStart().startsWith('{') ? `${JSON.stringify(file, null, 2)}\n` : dump(file);
}

/** In its own folder, so that the new file is there at once and only for its owner, also when the machine dies in between. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
