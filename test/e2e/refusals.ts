import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { NAMESPACE } from './release.ts';

interface AuditEvent {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

/** The roles of a release arrive at the API server's authorizer a moment after its pods may have started. */
const ARRIVING = 3;

/**
 * What the programs of the release asked the Kubernetes API for and were refused for want of a right, by its audit log
 * from then on. Not what was allowed later, when the rights had arrived.
 */
export async function refusals(auditLog: string, since: Date): Promise<string[]> {
  const refused = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(auditLog) })) {
    const event = JSON.parse(line) as AuditEvent;
    if (Date.parse(event.requestReceivedTimestamp) < since.getTime()) continue;
    const program = event.user.username.split(':').at(-1) ?? '';
    if (!program.startsWith(`${NAMESPACE}-`) || program.endsWith('-tasks')) continue;
    const { resource = '', subresource, namespace = '' } = event.objectRef ?? {};
    const call = `${program}: ${event.verb} ${resource}${subresource === undefined ? '' : `/${subresource}`} in ${namespace}`;
    const { code = 0, message = '' } = event.responseStatus ?? {};
    if (code === 403 && message.includes('is forbidden: User')) refused.set(call, (refused.get(call) ?? 0) + 1);
    else if (code < 300) refused.delete(call);
  }
  return [...refused].filter(([, times]) => times > ARRIVING).map(([call, times]) => `${call}, ${times} times`);
}
