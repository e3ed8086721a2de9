/** Operations that one request does. */
export type RequestName =
  'index' | 'update' | 'delete' | 'delete_by_query' | 'count' | 'create_index' | 'delete_index' | 'refresh' | 'search';

export type OperationName = RequestName | 'bulk';

/** The parameters of each API that stand in its URL. `refresh` may stand in the task's params as well. */
const WRITE = ['routing', 'refresh', 'timeout', 'wait_for_active_shards', 'if_seq_no', 'if_primary_term'];
const WHICH = ['routing', 'preference', 'allow_no_indices', 'ignore_unavailable', 'expand_wildcards'];
export const QUERY: Readonly<Record<OperationName, readonly string[]>> = {
  index: [...WRITE, 'op_type', 'pipeline', 'require_alias', 'version', 'version_type'],
  update: [...WRITE, 'require_alias', 'retry_on_conflict'],
  delete: [...WRITE, 'version', 'version_type'],
  delete_by_query: [
    ...WHICH,
    'max_docs',
    'refresh',
    'conflicts',
    'timeout',
    'scroll_size',
    'slices',
    'requests_per_second',
  ],
  count: [...WHICH, 'min_score', 'terminate_after'],
  create_index: ['timeout', 'master_timeout', 'wait_for_active_shards'],
  delete_index: ['timeout', 'master_timeout', 'ignore_unavailable'],
  refresh: ['allow_no_indices', 'ignore_unavailable', 'expand_wildcards'],
  bulk: ['routing', 'refresh', 'timeout', 'wait_for_active_shards', 'pipeline', 'require_alias'],
  search: [...WHICH, 'search_type'],
};

/** Keys of the command that become the request's body, and of which one at least is required. */
export const BODY: Readonly<
  Record<Exclude<RequestName, 'search'>, { readonly keys: readonly string[]; readonly required?: string }>
> = {
  index: { keys: ['doc'], required: 'doc' },
  update: { keys: ['doc', 'script', 'upsert', 'doc_as_upsert', 'scripted_upsert', 'detect_noop', '_source'] },
  delete: { keys: [] },
  delete_by_query: { keys: ['query'], required: 'query' },
  count: { keys: ['query'] },
  create_index: { keys: ['settings', 'mappings', 'aliases'] },
  delete_index: { keys: [] },
  refresh: { keys: [] },
};

export const SEARCH_BODY = [
  ...['query', '_source', 'fields', 'docvalue_fields', 'stored_fields', 'runtime_mappings', 'post_filter', 'min_score'],
  ...['track_total_hits', 'timeout', 'terminate_after', 'collapse', 'highlight', 'script_fields', 'version'],
  ...['aggs', 'aggregations'],
];
