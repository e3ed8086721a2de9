import { basename } from 'node:path';
import type { HostAgent } from './agent-access.ts';

export interface NextStepsOptions {
  readonly agent: HostAgent;
  /** The files that were written; of the second there may be none. */
  readonly kubeconfig: string;
  readonly apiCaFile: string | undefined;
  readonly apiUrl: string | undefined;
  readonly server: string;
  readonly expires: Date;
}

/** What is left to be done on the host, for the person at the terminal. */
export function nextSteps({ agent, kubeconfig, apiCaFile, apiUrl, server, expires }: NextStepsOptions): string {
  const { name, home } = agent;
  const { hostname = '' } = URL.parse(server) ?? {};
  const isLocal = hostname === 'localhost' || hostname.startsWith('127.') || hostname === '[::1]';
  const lines = [
    `Agent ${name} may join namespace ${home}.`,
    `Its kubeconfig is ${kubeconfig}; whoever has it is this agent. Its token ends on ${expires.toISOString()}; while the agent runs, it renews it by itself.`,
    ...(isLocal
      ? [`The host will look for the Kubernetes API at ${server}: is that right? If not, use --server.`]
      : []),
    '',
    'On the host (docs/bare-hosts.md has the whole):',
    `  install -d -m 700 -o tiangong /var/lib/tiangong-agent && install -d /etc/tiangong-agent`,
    `  install -m 600 -o tiangong ${basename(kubeconfig)} /var/lib/tiangong-agent/kubeconfig`,
    ...(apiCaFile === undefined ? [] : [`  install -m 644 ${basename(apiCaFile)} /etc/tiangong-agent/api-ca.crt`]),
    '  cat > /etc/tiangong-agent/agent.yaml <<END',
    `  name: ${name}`,
    `  home_namespace: ${home}`,
    '  kubeconfig: /var/lib/tiangong-agent/kubeconfig',
    `  api_url: ${apiUrl ?? "https://<the address of Tiangong's API>"}`,
    ...(apiCaFile === undefined ? [] : ['  api_ca_file: /etc/tiangong-agent/api-ca.crt']),
    '  END',
    '  systemctl enable --now tiangong-agent',
  ];
  return `${lines.join('\n')}\n`;
}
