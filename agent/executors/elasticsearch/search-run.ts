import { ResultWriter } from '../sql/result-writer.ts';
import { SpoolError } from '../sql/row-spool.ts';
import { failed } from '../executor.ts';
import type { Outcome } from '../executor.ts';
import type { SearchOperation } from './elasticsearch-params.ts';
import { isObject } from './lossless-json.ts';
import { toOutcome } from './run.ts';
import type { Run } from './run.ts';
import { searchPages, totalText } from './search-pages.ts';
import type { Hit, Total } from './search-pages.ts';

const LABEL = 'Search';
const PROGRESS_MS = 1000;

/** Gives the documents that a search finds as rows. Rejects with the signal's reason after an abort. */
export async function runSearch(run: Run, operation: SearchOperation): Promise<Outcome> {
  const { index } = operation;
  const writer = new ResultWriter(run.output, run.options.resultFormat, {
    separator: '\n\n',
    spoolFolder: run.spoolFolder,
  });
  const rows = writer.documents();
  const severalIndices = /[*,]|^_all$/.test(index);
  let total: Total = { value: 0, orMore: false };
  const finish = async (success: boolean): Promise<void> => {
    const heading = [`${LABEL} ${success ? 'completed' : 'stopped'}`, `Hits: ${totalText(total)}`];
    const hits = { hits: total.value, ...(total.orMore && { hits_or_more: true }) };
    await writer.finish(heading, { operation: 'search', index, ...hits }, rows);
    await writer.end({ success });
  };
  run.evidence(`search ${index}, X-Opaque-Id ${run.opaqueId}`);
  try {
    let loggedAt = performance.now();
    for await (const page of searchPages(run, operation)) {
      total = page.total ?? total;
      for (const hit of page.hits) await rows.add(rowOf(hit, severalIndices));
      if (performance.now() - loggedAt < PROGRESS_MS) continue;
      loggedAt = performance.now();
      await run.output.log('info', `${String(rows.count)} of ${totalText(total)} documents read`);
    }
    run.signal.throwIfAborted();
    await finish(true);
    return { state: 'Succeeded', message: `${String(rows.count)} of ${totalText(total)} documents` };
  } catch (err) {
    if (err instanceof SpoolError) return failed('DiskFull', `${LABEL} failed: ${err.message}`);
    if (rows.count > 0) await finish(false);
    if (run.signal.aborted) throw err;
    return toOutcome(err, LABEL, false);
  } finally {
    await writer.end({ success: false });
  }
}

/** What is known of a document, its own fields beside its id. */
function rowOf(hit: Hit, severalIndices: boolean): object {
  const { _index, _id, _version, _source, fields, highlight } = hit;
  return {
    ...(severalIndices && { _index }),
    _id,
    ...(_version !== undefined && { _version }),
    ...(isObject(_source) ? _source : {}),
    ...(isObject(fields) ? fields : {}),
    ...(highlight !== undefined && { highlight }),
  };
}
