import { hash } from 'node:crypto';
import type { SourceDriver } from '../../source.ts';
import { actions } from './actions.ts';
import { readPostgresConfig, slotOf } from './server/postgres-config.ts';
import { toSourceError } from './server/postgres-error.ts';
import { PostgresSource } from './postgres-source.ts';
import { Queries } from './server/queries.ts';
import { Slot } from './log/slot.ts';
import { wizard } from './wizard.ts';

/** Databases of PostgreSQL, by logical replication (ADR 0025). */
export const postgresDriver: SourceDriver = {
  name: 'postgres',
  wizard,
  actions,
  /** Each SyncTask has its own slot on the server, so none shares a bus with another. */
  signature: ({ driver, uri, credential, driverParams }, taskUid) =>
    hash('sha256', JSON.stringify([driver, uri, credential?.data['user'], driverParams, taskUid])),
  open: (config, tools) => new PostgresSource(readPostgresConfig(config), tools),
  /** The publication stays: other SyncTasks may read by it. */
  async forget(config, taskUid, signal) {
    const { target } = readPostgresConfig(config);
    const queries = new Queries(target);
    try {
      await new Slot(queries, slotOf(taskUid)).drop(signal);
    } catch (err) {
      signal.throwIfAborted();
      throw toSourceError(err, target);
    } finally {
      await queries.close();
    }
  },
};
