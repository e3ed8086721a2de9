import { vi } from 'vitest';

/** Twenty seconds, not vitest's one: a busy machine of two cores is slow, and a test that waits says nothing of speed. */
const timeout = 20_000;

// vitest.config.ts can set this for expect.poll alone.
const { waitFor, waitUntil } = vi;
vi.waitFor = (callback, options = {}) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout, ...options });
vi.waitUntil = (callback, options = {}) =>
  waitUntil(callback, typeof options === 'number' ? options : { timeout, ...options });
