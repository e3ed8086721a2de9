import { relative } from 'node:path';

export interface Welcome {
  readonly apiUrl: string;
  readonly kubeUrl: string;
  readonly home: string;
  readonly agent: string;
  readonly online: boolean;
  readonly agentLog: string;
}

/** What is said once everything runs: what there is and what to try next. */
export function welcome({ apiUrl, kubeUrl, home, agent, online, agentLog }: Welcome): string {
  const kubeconfig = `${shown(home)}/kubeconfig`;
  const task = `{"agent_id":"${agent}","type":"shell","command":"echo Hello World","sync":true}`;
  return `
Tiangong is up.
  REST API        ${apiUrl}/api/v1   (documentation: ${apiUrl}/docs)
  Kubernetes API  ${kubeUrl}
  Agent           ${agent}${online ? '' : `   NOT ONLINE YET: see ${shown(agentLog)}`}
  Data            ${shown(home)}

Try:
  curl -s -X POST ${apiUrl}/api/v1/tasks -H 'Content-Type: application/json' \\
    -d '${task}'
  kubectl --kubeconfig ${kubeconfig} get deploytasks

Ctrl-C stops it; nothing is lost.
`;
}

/** A path below the current folder is shown from there. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') || fromHere === '' ? path : fromHere;
}
