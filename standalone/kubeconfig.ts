/** A kubeconfig, as JSON, which is YAML too: one cluster, one user with a bearer token. */
export function kubeconfig(options: {
  readonly server: string;
  /** PEM of what the client is to trust. */
  readonly certificate: string;
  readonly user: string;
  readonly token: string;
  readonly namespace: string;
}): string {
  const { server, certificate, user, token, namespace } = options;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'tiangong',
        cluster: { server, 'certificate-authority-data': Buffer.from(certificate).toString('base64') },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'tiangong', context: { cluster: 'tiangong', user, namespace } }],
    'current-context': 'tiangong',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
