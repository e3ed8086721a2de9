import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { poolOptions, poolSettings } from './pool-options.ts';
import type { PoolFlags } from './pool-options.ts';

function settingsOf(...argv: readonly string[]): ReturnType<typeof poolSettings> {
  const program = new Command();
  for (const option of poolOptions()) program.addOption(option);
  return poolSettings(program.parse(argv, { from: 'user' }).opts<PoolFlags>());
}

describe('poolSettings', () => {
  it('has no part in pools without an image', () => {
    expect(settingsOf()).toBeUndefined();
    expect(settingsOf('--agent-image', '', '--host-namespace', 'x')).toBeUndefined();
  });

  it('needs nothing but an image', () => {
    expect(settingsOf('--agent-image', 'a:1')).toEqual({
      ...{ image: 'a:1', imagePullPolicy: undefined, imagePullSecrets: [], serviceAccount: undefined },
      ...{ hostNamespace: undefined, apiUrl: undefined, apiCaConfigMap: undefined, instance: undefined },
    });
  });

  it('takes names with commas between, and what is empty for not given', () => {
    const settings = settingsOf(
      ...['--agent-image', 'a:1', '--agent-image-pull-secrets', 'one, two,', '--agent-image-pull-policy', 'Never'],
      ...['--host-namespace', '', '--instance', 'release'],
    );
    expect(settings).toMatchObject({
      ...{ imagePullSecrets: ['one', 'two'], imagePullPolicy: 'Never', hostNamespace: undefined, instance: 'release' },
    });
  });
});
