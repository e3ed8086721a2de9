import type { Authorizer } from '../auth/authorizer.ts';
import type { TokenAuthenticator } from '../auth/token-authenticator.ts';
import type { Registry } from '../registry.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { WatchHub } from '../watch/watch-hub.ts';
import type { WriteCore } from './write-core.ts';

/** What verbs work with. */
export interface ApiContext {
  readonly store: ObjectStore;
  readonly hub: WatchHub;
  readonly registry: Registry;
  readonly authenticator: TokenAuthenticator;
  readonly authorizer: Authorizer;
  readonly writes: WriteCore;
  readonly now: () => Date;
}
