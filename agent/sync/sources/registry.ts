import type { SourceDriver } from '../source.ts';

/** Every kind of source, by the name that configurations use. */
export const sourceDrivers: ReadonlyMap<string, SourceDriver> = new Map(
  ([] as SourceDriver[]).map((driver) => [driver.name, driver]),
);
