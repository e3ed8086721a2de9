import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Cluster } from '@kubernetes/client-node';
import type { KubeClient } from '../../../../kube/client.ts';
import { isNotFound, KubeError } from '../../../../kube/kube-error.ts';
import { K8sFailure, networkMessage, serverMessage } from '../k8s-failure.ts';

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/** The shortest life that a server gives a token. */
const TOKEN_SECONDS = 600;
/** A new token is asked for when this much of the old one's life is over. */
const RENEW_AT = 0.7;

interface TokenRequest {
  readonly status?: { readonly token?: string };
}

/** A cluster under the name of a service account: only tokens of it are used, short-lived ones, renewed in time. */
export class ServiceAccountConfig extends KubeConfig {
  readonly #account: ServiceAccount;
  #client: KubeClient;
  #token: Promise<string> | undefined;
  #renewAt = 0;

  /** `client` asks for the tokens: it needs the right to create `serviceaccounts/token`. */
  constructor(cluster: Cluster, account: ServiceAccount, client: KubeClient) {
    super();
    // Of the agent's own login nothing is kept, neither its token nor its certificate.
    this.loadFromClusterAndUser(cluster, { name: 'service-account' });
    this.#account = account;
    this.#client = client;
  }

  /** Asks with another client from now on: the one before may be closed. */
  use(client: KubeClient): void {
    this.#client = client;
  }

  override async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    await super.applyToHTTPSOptions(options);
    options.headers = { ...(options.headers as object), Authorization: `Bearer ${await this.token()}` };
  }

  /** A token that is good for some minutes. Rejects with `K8sFailure`. */
  token(): Promise<string> {
    if (this.#token !== undefined && performance.now() < this.#renewAt) return this.#token;
    this.#renewAt = performance.now() + TOKEN_SECONDS * 1000 * RENEW_AT;
    const token = this.#request();
    this.#token = token;
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #request(): Promise<string> {
    const { namespace, name } = this.#account;
    const what = `the service account ${namespace}/${name}`;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: TOKEN_SECONDS },
    };
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
    try {
      const { status } = await this.#client.raw<TokenRequest>({ method: 'POST', path, body: JSON.stringify(body) });
      if (status?.token !== undefined) return status.token;
    } catch (err) {
      const message = err instanceof KubeError ? serverMessage(err) : networkMessage(err);
      const hint =
        isNotFound(err) && (err as KubeError).status.details?.name !== name
          ? ' (this server issues no tokens for service accounts: leave params.service_account out)'
          : '';
      throw new K8sFailure('ServiceAccountUnavailable', `failed to get a token for ${what}: ${message}${hint}`, {
        cause: err,
      });
    }
    throw new K8sFailure('ServiceAccountUnavailable', `failed to get a token for ${what}: the answer holds none`);
  }
}
