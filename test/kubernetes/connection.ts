import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { HttpTransport } from '../../kube/http-transport.ts';
import type { ClusterAddress } from './cluster.ts';

function tokenOf(address: ClusterAddress, user: string): string {
  const token = address.tokens[user];
  if (token === undefined) throw new Error(`the test cluster knows no user ${user}`);
  return token;
}

/** A connection to the cluster under the name of a user. */
export const connect = (address: ClusterAddress, user: string): HttpTransport =>
  connectWith(address.url, tokenOf(address, user));

/** A connection to the cluster with a bearer token, whoever's it is. */
export function connectWith(url: string, token: string): HttpTransport {
  const config = new KubeConfig();
  // kube-apiserver made its own certificate; the connection does not leave this machine.
  config.loadFromClusterAndUser({ name: 'test', server: url, skipTLSVerify: true }, { name: 'test', token });
  return new HttpTransport(config);
}

/** Writes a kubeconfig for the user into the cluster's folder and returns its path. */
export function writeKubeconfig(address: ClusterAddress, user: string): string {
  const path = join(address.folder, 'kubeconfigs', `${user.replace('/', '-')}.json`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: address.url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: user, user: { token: tokenOf(address, user) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  };
  // Test files that run side by side write the same file, and must never read half of it.
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, JSON.stringify(config));
  renameSync(unfinished, path);
  return path;
}
