import { describe, expect, it } from 'vitest';
import { CHART, mustHelm, render } from './helm.ts';
import { hasHelm, HELM_VERSIONS } from './helm-binaries.ts';

describe.skipIf(!hasHelm())('the chart', () => {
  it.each(HELM_VERSIONS)('has no fault that helm %i knows of', async (version) => {
    await mustHelm(version, ['lint', '--strict', CHART]);
  });

  it('is rendered equally by every helm', async () => {
    const [three, four] = await Promise.all(HELM_VERSIONS.map((helm) => render({}, { helm })));
    expect(three).toEqual(four);
  });
});
