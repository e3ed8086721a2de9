import type { SourceDriver } from '../source.ts';
import { elasticsearchDriver } from './elasticsearch/index.ts';
import { fsDriver } from './fs/index.ts';
import { mysqlDriver } from './mysql/index.ts';
import { postgresDriver } from './postgres/index.ts';
import { sourceOssDriver } from './source_oss/index.ts';

/** Every kind of source, by the name that configurations use. */
export const sourceDrivers: ReadonlyMap<string, SourceDriver> = new Map(
  [elasticsearchDriver, fsDriver, mysqlDriver, postgresDriver, sourceOssDriver].map((driver) => [driver.name, driver]),
);
