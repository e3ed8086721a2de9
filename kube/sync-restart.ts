import type { SyncTask } from './types/synctask.ts';

/** On a SyncTask: asks for a restart whenever it is set to another text, such as the time. */
export const RESTART_ANNOTATION = 'tiangong.io/restart-requested-at';

/** As `status.restartedAt` holds it at most. */
const MAX_CHARACTERS = 253;

/** The restart that is asked for and has not been answered: what `status.restartedAt` will be. Undefined: none. */
export function pendingRestart({ metadata, status }: SyncTask): string | undefined {
  const asked = metadata.annotations?.[RESTART_ANNOTATION]?.slice(0, MAX_CHARACTERS);
  return asked === undefined || asked === '' || asked === status?.restartedAt ? undefined : asked;
}
