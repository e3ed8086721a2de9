import type { PusherDriver } from '../pusher.ts';
import { echoPusher } from './echo/index.ts';
import { fusionPusher } from './fusion/index.ts';
import { openapiPusher } from './openapi/index.ts';

/** Every kind of consumer, by the name that configurations use. */
export const pusherDrivers: ReadonlyMap<string, PusherDriver> = new Map(
  [openapiPusher, echoPusher, fusionPusher].map((driver) => [driver.name, driver]),
);
