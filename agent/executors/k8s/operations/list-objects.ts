import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { apiVersionOf } from '../target.ts';
import type { ResourceKind } from '../target.ts';
import type { Session } from './session.ts';

export interface Selection {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** Objects of a megabyte each are allowed, and the agent's heap is small. */
const PAGE = 100;

/** All objects of a kind, page by page, so that no more than one page is in memory. Rejects as `ObjectCalls` does. */
export async function* listObjects(
  { calls }: Pick<Session, 'calls'>,
  kind: ResourceKind,
  namespace: string | undefined,
  selection: Selection = {},
): AsyncGenerator<JsonObject> {
  let token: string | undefined;
  do {
    const page = await calls.page(kind, namespace, { ...selection, limit: PAGE, continue: token });
    const items = Array.isArray(page['items']) ? page['items'].filter(isObject) : [];
    // Items of a list do not say themselves what they are.
    for (const item of items) yield { apiVersion: apiVersionOf(kind), kind: kind.kind, ...item };
    const next = isObject(page['metadata']) ? page['metadata']['continue'] : undefined;
    token = typeof next === 'string' && next !== '' ? next : undefined;
  } while (token !== undefined);
}
