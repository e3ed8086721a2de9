import { defineConfig } from 'vitest/config';
import { InOrder } from './in-order.ts';

/**
 * The suite against a real cluster with nodes, which `make e2e` runs and `npm test` leaves out: it takes minutes, root or
 * Docker, and the machine's network.
 */
export default defineConfig({
  test: {
    name: 'e2e',
    root: `${import.meta.dirname}/../..`,
    include: ['test/e2e/*.e2e.test.ts'],
    globalSetup: ['test/services/global-setup.ts', 'test/e2e/global-setup.ts'],
    setupFiles: ['test/patience.ts'],
    // One cluster, and CRDs of which a cluster has one set.
    fileParallelism: false,
    maxWorkers: 1,
    sequence: { sequencer: InOrder },
    testTimeout: 300_000,
    hookTimeout: 600_000,
    teardownTimeout: 600_000,
    expect: { poll: { timeout: 60_000, interval: 200 } },
  },
});
