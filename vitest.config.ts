import { defineConfig } from 'vitest/config';

/** The first run on a machine downloads and compiles the servers that tests ask for in hooks. */
const INSTALLATION_MS = 900_000;
/** Where the results are written as JSON, for .ci/run. Vitest heeds no --outputFile of a reporter that has one here. */
const report = process.env['TEST_REPORT'];
const ignored = ['**/node_modules/**', 'dist/**', '.tiangong/**'];

export default defineConfig({
  test: {
    // Twice what the slowest test needs on a busy machine of two cores: a limit on hanging, never a measure of speed.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    setupFiles: ['test/patience.ts'],
    expect: { poll: { timeout: 20_000 } },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ignored, '**/*.{cluster,services,e2e}.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: ['**/*.services.test.ts'],
          exclude: ignored,
          globalSetup: ['test/services/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: INSTALLATION_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['**/*.cluster.test.ts'],
          exclude: ignored,
          // Some need databases as well; no server is started before a test asks for it.
          globalSetup: ['test/kubernetes/global-setup.ts', 'test/services/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: INSTALLATION_MS,
          // kube-apiserver and etcd need the other core. They start when the unit tests are over.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
