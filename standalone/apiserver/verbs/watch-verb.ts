import type { KubeObject } from '../../../kube/object.ts';
import type { AcceptedForm } from '../http/accepted-form.ts';
import { acceptedForm } from '../http/accepted-form.ts';
import type { ApiResponse, ResourceCall } from '../http/api-call.ts';
import { internalError, StatusError, tooOldVersion } from '../status-error.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { keyRange } from '../storage/stored-object.ts';
import { eventLine } from '../watch/watch-hub.ts';
import { ObjectWatch } from '../watch/object-watch.ts';
import type { ApiContext } from './api-context.ts';
import { ListPage } from './list-page.ts';
import { readWatchOptions } from './list-options.ts';
import type { WatchOptions } from './list-options.ts';
import { shown } from './read-verbs.ts';

/** How many events are sent before others get their turn and the reader has taken them. */
const SLICE = 250;

/** GET of a collection with `watch=true`: a stream of events until the time is up or either side ends it. */
export function watchObjects(context: ApiContext, call: ResourceCall): ApiResponse {
  const { definition, namespace, query, request } = call;
  const options = readWatchOptions(query, definition);
  const form = acceptedForm(request.accept);
  const watch = new ObjectWatch({
    definition,
    namespace,
    matches: options.selection.matches,
    render: form === 'object' ? undefined : renderer(form, call, context.now),
    allowBookmarks: options.allowBookmarks,
    timeoutSeconds: options.timeoutSeconds,
  });
  follow(context, call, options, watch).catch((err: unknown) => {
    watch.fail(err instanceof StatusError ? err : internalError(err instanceof Error ? err.message : String(err)));
  });
  return { status: 200, contentType: 'application/json', stream: watch.stream };
}

async function follow(
  context: ApiContext,
  call: ResourceCall,
  options: WatchOptions,
  watch: ObjectWatch,
): Promise<void> {
  const { store, hub } = context;
  const isFromNow = options.resourceVersion === '' || options.resourceVersion === '0';
  const isInitial = options.sendInitialEvents ?? isFromNow;
  const from = isFromNow ? store.revision : Number(options.resourceVersion);
  const position = isInitial ? await sendInitial(store, call, options, watch) : from;
  await catchUp(store, call, watch, position);
  const interest = { storedAs: call.definition.storedAs, equals: options.selection.equals };
  watch.follow(hub, interest, Math.max(position, store.revision));
  if (isInitial && options.allowBookmarks) watch.bookmark(store.revision, true);
}

/** Sends what there is, as fast as it is read. Returns the revision that it was of. */
async function sendInitial(
  store: ObjectStore,
  call: ResourceCall,
  { selection }: WatchOptions,
  watch: ObjectWatch,
): Promise<number> {
  const all = { selection, limit: 0, continue: '', resourceVersion: '', isExact: false };
  const page = await ListPage.read(store, call, all);
  for (const [index, stored] of page.stored.entries()) {
    watch.sendInitial(stored);
    if (index % SLICE === SLICE - 1) await watch.stream.taken();
  }
  return Number(page.metadata.resourceVersion);
}

/** Sends what history has after a revision. When it returns, everything durable is sent and the turn has not ended. */
async function catchUp(store: ObjectStore, call: ResourceCall, watch: ObjectWatch, after: number): Promise<void> {
  const { start, end } = keyRange(call.definition.storedAs, call.namespace);
  for (let position = after; !watch.stream.ended;) {
    if (position < store.compactedRevision) throw tooOldVersion(String(position), String(store.compactedRevision));
    const changes = store.changesAfter(position, start, end, SLICE);
    for (const change of changes) watch.send(change);
    if (changes.length < SLICE) return;
    position = changes.at(-1)?.revision ?? position;
    await watch.stream.taken();
  }
}

function renderer(
  form: AcceptedForm,
  call: ResourceCall,
  now: () => Date,
): (type: string, object: KubeObject) => string {
  return (type, object) => eventLine(type, shown(form, call.definition, object, call, now()));
}
