import { SourceError } from '../../../source.ts';
import type { Queries } from './queries.ts';

/** Logical replication as it is used here is of this version and later. */
const OLDEST = 130_000;

interface ServerFacts {
  /** Older than what can be read. */
  readonly isOld: boolean;
  readonly isStandby: boolean;
  readonly isLogical: boolean;
  readonly hasFreeSlot: boolean;
}

export async function readServer(queries: Queries, signal: AbortSignal): Promise<ServerFacts> {
  const [[level, version, standby, slots] = []] = await queries.rows(
    "SELECT current_setting('wal_level'), current_setting('server_version_num'), pg_is_in_recovery(), current_setting('max_replication_slots')::int > (SELECT count(*) FROM pg_replication_slots)",
    signal,
  );
  return {
    isOld: Number(version) < OLDEST,
    isStandby: standby === 't',
    isLogical: level === 'logical',
    hasFreeSlot: slots === 't',
  };
}

/** Rejects with a `SourceError` when the log of the server cannot be read. */
export async function checkServer(queries: Queries, signal: AbortSignal): Promise<void> {
  const { isOld, isStandby, isLogical } = await readServer(queries, signal);
  const invalid = (message: string): SourceError =>
    new SourceError('ConfigurationInvalid', message, { retryable: false });
  if (isOld) throw invalid('the server must be PostgreSQL 13 or later');
  // After a failover the old primary may answer for a while.
  if (isStandby)
    throw new SourceError('ServerIsStandby', 'the server is a standby: a sync needs the primary', { retryable: true });
  if (!isLogical) throw invalid("the server's setting wal_level must be logical");
}
