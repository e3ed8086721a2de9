import { setImmediate } from 'node:timers/promises';
import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceCall } from '../http/api-call.ts';
import { apiVersionOf } from '../resource-definition.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { expired, StatusError } from '../status-error.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { keyRange } from '../storage/stored-object.ts';
import type { StoredObject } from '../storage/stored-object.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import type { ListOptions } from './list-options.ts';
import { servedObject, servedText } from './served-object.ts';

/** Objects looked at before other work gets its turn. The list stays consistent: it is of one revision. */
const SLICE = 250;

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** A page of a collection as of one revision. */
export class ListPage {
  readonly metadata: ListMetadata;
  readonly stored: readonly StoredObject[];
  readonly #definition: ResourceDefinition;

  private constructor(definition: ResourceDefinition, metadata: ListMetadata, stored: readonly StoredObject[]) {
    this.#definition = definition;
    this.metadata = metadata;
    this.stored = stored;
  }

  static async read(
    store: ObjectStore,
    { definition, namespace }: Pick<ResourceCall, 'definition' | 'namespace'>,
    options: Pick<ListOptions, 'selection' | 'limit' | 'continue' | 'resourceVersion' | 'isExact'>,
  ): Promise<ListPage> {
    const { limit, selection } = options;
    const range = keyRange(definition.storedAs, namespace);
    const position = options.continue === '' ? undefined : decodeContinue(options.continue);
    const asOf = revisionToRead(store, options, position);
    let start = position === undefined ? range.start : range.start + position.start;
    const stored: StoredObject[] = [];
    let hasMore = false;
    for (;;) {
      const wanted = limit === 0 ? SLICE : Math.min(SLICE, limit - stored.length + 1);
      const keys = store.list(start, range.end, asOf, wanted);
      for (const listed of keys) {
        const item = store.at(listed);
        if (selection.matches !== undefined && !selection.matches(servedObject(definition, item))) continue;
        if (limit > 0 && stored.length === limit) {
          hasMore = true;
          break;
        }
        stored.push(item);
      }
      const last = keys.at(-1);
      if (hasMore || last === undefined || keys.length < wanted) break;
      start = `${last.key}\0`;
      await setImmediate();
      // The turns of others may have let this revision's history go.
      if (asOf < store.compactedRevision) throw expired(EXPIRED);
    }
    const lastKey = stored.at(-1)?.key;
    if (!hasMore || lastKey === undefined) return new ListPage(definition, { resourceVersion: String(asOf) }, stored);
    const next = `${lastKey}\0`;
    const metadata = {
      resourceVersion: String(asOf),
      continue: encodeContinue(asOf, next.slice(range.start.length)),
      // With a selector nobody knows without looking at all of them: as in the real server it is left out.
      ...(selection.matches === undefined && { remainingItemCount: store.count(next, range.end, asOf) }),
    };
    return new ListPage(definition, metadata, stored);
  }

  /** JSON of each item. Lists of built-in kinds leave out the items' types, as the real server's do. */
  texts(): string[] {
    const definition = this.#definition;
    if (definition.custom) return this.stored.map(({ text }) => text);
    const prefix = `{"apiVersion":"${apiVersionOf(definition)}","kind":"${definition.kind}",`;
    return this.stored.map((stored) => {
      const text = servedText(definition, stored);
      return text.startsWith(prefix) ? `{${text.slice(prefix.length)}` : text;
    });
  }

  objects(): KubeObject[] {
    return this.stored.map((stored) => servedObject(this.#definition, stored));
  }
}

const EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter.';
const EXPIRED_CONTINUE =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

function revisionToRead(
  store: ObjectStore,
  options: Pick<ListOptions, 'resourceVersion' | 'isExact' | 'limit'>,
  position: { revision: number; start: string } | undefined,
): number {
  if (position !== undefined) {
    if (position.revision < 0) return store.revision;
    if (position.revision < store.compactedRevision) throw new ExpiredContinue(encodeContinue(-1, position.start));
    return position.revision;
  }
  if (options.resourceVersion === '' || options.resourceVersion === '0') return store.revision;
  const revision = Number(options.resourceVersion);
  if (revision > store.revision) throw tooLargeVersion(revision, store.revision);
  if (!options.isExact) return store.revision;
  if (revision < store.compactedRevision) throw expired('The resourceVersion for the provided list is too old.');
  return revision;
}

/** 410 with a token that goes on with what there is now. */
class ExpiredContinue extends StatusError {
  readonly #token: string;

  constructor(token: string) {
    super(410, 'Expired', EXPIRED_CONTINUE);
    this.#token = token;
  }

  override toStatus(): ReturnType<StatusError['toStatus']> {
    return { ...super.toStatus(), metadata: { continue: this.#token } };
  }
}

function tooLargeVersion(requested: number, current: number): StatusError {
  return new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
