import { relative } from 'node:path';

export interface Welcome {
  readonly apiUrl: string;
  readonly kubeUrl: string;
  readonly home: string;
  readonly agent: string;
  readonly online: boolean;
  readonly agentLog: string;
  /** How many users there are, where REST asks who calls. */
  readonly users?: number;
  /** What the certificate of the REST API is checked against, if it has one. */
  readonly caFile?: string;
}

/** What is said once everything runs: what there is and what to try next. */
export function welcome({ apiUrl, kubeUrl, home, agent, online, agentLog, users, caFile }: Welcome): string {
  const kubeconfig = `${shown(home)}/kubeconfig`;
  const task = `{"agent_id":"${agent}","type":"shell","command":"echo Hello World","sync":true}`;
  const ca = caFile === undefined ? '' : ` --cacert ${shown(caFile)}`;
  const token = users === undefined ? '' : ` -H "Authorization: Bearer $TOKEN"`;
  return `
Tiangong is up.
  REST API        ${apiUrl}/api/v1   (documentation: ${apiUrl}/docs)
  Kubernetes API  ${kubeUrl}
  Agent           ${agent}${online ? '' : `   NOT ONLINE YET: see ${shown(agentLog)}`}
  Data            ${shown(home)}
${users === undefined ? '' : `  Users           ${usersText(users)}\n`}
Try:
  curl -s${ca} -X POST ${apiUrl}/api/v1/tasks${token} -H 'Content-Type: application/json' \\
    -d '${task}'
  kubectl --kubeconfig ${kubeconfig} get deploytasks

Ctrl-C stops it; nothing is lost.
`;
}

const usersText = (count: number): string =>
  count > 0
    ? `${count} with a token`
    : 'none yet: tiangong user add <name> --role view|edit|admin prints a token for $TOKEN';

/** A path below the current folder is shown from there. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') || fromHere === '' ? path : fromHere;
}
