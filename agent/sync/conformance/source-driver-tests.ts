import { expect, it } from 'vitest';
import { SourceError } from '../source.ts';
import type { SourceConfig } from '../source.ts';
import { SourceReader } from './source-reader.ts';
import type { SourceUnderTest } from './source-under-test.ts';

/** What every driver of sources does besides reading. */
export function driverTests(current: () => SourceUnderTest): void {
  it('tells in plain words of a login that is refused and of a server that does not answer', async () => {
    const { world } = current();
    const failureWith = async (config: SourceConfig): Promise<SourceError> => {
      const { failure } = await SourceReader.open(current().open(config));
      if (failure instanceof SourceError) return failure;
      throw new Error('it should have failed with a SourceError', { cause: failure });
    };
    if (world.refused !== undefined) {
      const refused = await failureWith(world.refused);
      expect([refused.reason, refused.retryable]).toEqual(['AuthenticationFailed', false]);
      for (const secret of secretsOf(world.refused)) expect(refused.message).not.toContain(secret);
    }
    if (world.unreachable !== undefined) {
      const unreachable = await failureWith(world.unreachable);
      expect([unreachable.reason, unreachable.retryable]).toEqual(['ConnectionFailed', true]);
    }
  });

  it('has the same signature for the same place and another for another, without secrets', () => {
    const { driver, config } = current().world;
    const signature = driver.signature(config, 'uid');
    expect(driver.signature({ ...config, id: 'other' }, 'uid')).toBe(signature);
    expect(driver.signature({ ...config, uri: `${config.uri}1` }, 'uid')).not.toBe(signature);
    for (const secret of secretsOf(config)) expect(signature).not.toContain(secret);
  });

  it('has a wizard whose validations are its actions, and all of them succeed', async () => {
    const { wizard, actions } = current().world.driver;
    const { actionInput } = current().world;
    const steps = wizard.steps.flatMap(({ validations }) => validations);
    expect(Object.keys(actions)).toEqual(expect.arrayContaining(steps));
    if (actionInput === undefined) return;
    for (const step of steps) {
      const result = await actions[step as keyof typeof actions]?.(actionInput, new AbortController().signal);
      expect(result, step).toMatchObject({ success: true });
      expect(result?.message).not.toBe('');
      if (step.startsWith('discover')) expect(Object.keys(result?.fields?.properties ?? {})).not.toEqual([]);
    }
  });
}

const secretsOf = ({ credential }: SourceConfig): readonly string[] =>
  [credential?.data['passwd'], credential?.data['key']].filter(
    (secret) => secret !== undefined && secret !== '',
  ) as string[];
