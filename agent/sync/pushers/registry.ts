import type { PusherDriver } from '../pusher.ts';

/** Every kind of consumer, by the name that configurations use. */
export const pusherDrivers: ReadonlyMap<string, PusherDriver> = new Map(
  ([] as PusherDriver[]).map((driver) => [driver.name, driver]),
);
