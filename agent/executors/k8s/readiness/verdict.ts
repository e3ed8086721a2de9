/** How far an object is. */
export interface Readiness {
  /** `failed`: it will not become ready by waiting. */
  readonly state: 'ready' | 'waiting' | 'failed';
  /** What it waits for, or why it failed, in a few words. */
  readonly message: string;
  /** Why it failed, for programs; `NotReady` unless set. */
  readonly reason?: string;
}

export const READY: Readiness = { state: 'ready', message: 'ready' };
export const waiting = (message: string): Readiness => ({ state: 'waiting', message });
export const broken = (message: string, reason?: string): Readiness => ({
  state: 'failed',
  message,
  ...(reason !== undefined && { reason }),
});
