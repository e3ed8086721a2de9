import { expect, it } from 'vitest';
import { withoutNpm } from './local-agent.ts';

it("keeps npm's own folders off the PATH that tasks get", () => {
  const npms =
    '/x/node_modules/.bin:/node_modules/.bin:/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin';
  expect(withoutNpm(`${npms}:/opt/node_modules_tools/bin:/usr/local/bin:/usr/bin`)).toBe(
    '/opt/node_modules_tools/bin:/usr/local/bin:/usr/bin',
  );
});
