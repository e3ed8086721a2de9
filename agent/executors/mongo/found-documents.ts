import type { Document } from 'mongodb';
import type { DocumentSink, ResultWriter } from '../sql/result-writer.ts';
import type { FoundDocuments } from './operation-run.ts';
import { cellsOf, jsonOf } from './shown-values.ts';

/** Documents on their way to the result, as the format shows them. */
export function foundDocuments(writer: ResultWriter, format: 'text' | 'json'): FoundDocuments {
  const sink: DocumentSink = writer.documents();
  const shown = format === 'json' ? (document: Document): object => jsonOf(document) as object : cellsOf;
  return {
    sink,
    add: (document) => sink.add(shown(document)),
    get count() {
      return sink.count;
    },
  };
}
