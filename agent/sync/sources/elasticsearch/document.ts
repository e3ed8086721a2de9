import type { Row } from '../../sync-event.ts';
import type { Json } from './requests.ts';

/** A document as a search found it. */
export interface FoundDocument {
  /** Unique within the source. */
  readonly key: string;
  /** The fields of the document, `_id` and `_index`. */
  readonly row: Row;
  readonly fields: readonly string[];
  readonly version: DocumentVersion;
  /** Whether it was written more than once. */
  readonly isUpdate: boolean;
  /** Epoch milliseconds; undefined when it has no timestamp. */
  readonly timestamp: number | undefined;
  /** What `search_after` takes. */
  readonly sort: readonly unknown[];
}

/** Grows with every write of a document. */
export interface DocumentVersion {
  readonly term: number;
  readonly sequence: number;
}

/** A hit of a search that asked for `seq_no_primary_term` and `version`; `isDated`: sorted by the timestamp first. */
export function documentOf(hit: Json, isDated: boolean): FoundDocument {
  const { _index: index, _id: id, _source: source, _seq_no: sequence, _primary_term: term, _version: version } = hit;
  const row = { ...(source as Json | undefined), _id: String(id), _index: String(index) };
  const sort = Array.isArray(hit['sort']) ? (hit['sort'] as unknown[]) : [];
  return {
    key: `${String(index)}/${String(id)}`,
    row,
    fields: Object.keys(row),
    version: { term: Number(term ?? 0), sequence: Number(sequence ?? 0) },
    isUpdate: version !== 1,
    timestamp: isDated ? Number(sort[0]) : undefined,
    sort,
  };
}

/** Whether a version is the other, or was written after it. */
export function isAtLeast(version: DocumentVersion, other: DocumentVersion): boolean {
  return version.term > other.term || (version.term === other.term && version.sequence >= other.sequence);
}
