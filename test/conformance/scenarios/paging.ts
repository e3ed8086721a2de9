import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent } from '../objects.ts';

async function createAgents(api: Api, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const labels = { parity: i % 2 === 0 ? 'even' : 'odd' };
    await api.post(api.own('agents'), agent(`agent-${String(i).padStart(2, '0')}`, {}, { labels }), {
      recorded: false,
    });
  }
}

export const paging: Record<string, Scenario> = {
  'walks a collection in pages of one snapshot': async (api) => {
    await createAgents(api, 7);
    const seen: (string | undefined)[] = [];
    const first = await api.get(api.own('agents'), { query: { limit: 3 } });
    expect(first.body.metadata.remainingItemCount).toBe(4);
    await api.post(api.own('agents'), agent('agent-99'), { recorded: false });
    await api.delete(api.own('agents', 'agent-05'), undefined, { recorded: false });
    let page = first;
    for (;;) {
      seen.push(...(page.body.items ?? []).map(({ metadata }) => metadata.name));
      expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      const token = page.body.metadata.continue;
      if (token === undefined || token === '') break;
      page = await api.call('GET', api.own('agents'), { query: { limit: 3, continue: token }, recorded: false });
      api.record({ step: 'next page', status: page.status, body: page.body });
    }
    expect(seen).toEqual(Array.from({ length: 7 }, (_, i) => `agent-0${i}`));
  },
  'counts no rest under a selector': async (api) => {
    await createAgents(api, 6);
    const page = await api.get(api.own('agents'), { query: { limit: 2, labelSelector: 'parity=odd' } });
    expect(page.body.items).toHaveLength(2);
    expect(page.body.metadata.remainingItemCount).toBeUndefined();
    expect(page.body.metadata.continue).toBeTruthy();
  },
  'answers a page that fits without a token': async (api) => {
    await createAgents(api, 2);
    const page = await api.get(api.own('agents'), { query: { limit: 2 } });
    expect(page.body.metadata.continue ?? '').toBe('');
    await api.get(api.own('agents'), { query: { limit: 0 } });
    await api.get(api.own('agents'), { query: { limit: 2, labelSelector: 'parity=even' } });
  },
  'refuses malformed limits and tokens': async (api) => {
    await createAgents(api, 3);
    for (const query of [{ limit: 'x' }, { limit: -1 }, { continue: 'nonsense' }, { continue: 'bm9uc2Vuc2U=' }]) {
      await api.get(api.own('agents'), { query });
    }
    const first = await api.get(api.own('agents'), { query: { limit: 1 } });
    const token = first.body.metadata.continue ?? '';
    const answer = await api.call('GET', api.own('agents'), {
      query: { limit: 1, continue: token, resourceVersion: '5' },
      recorded: false,
    });
    api.record({ step: 'token beside a version', status: answer.status, body: answer.body });
    expect(answer.status).toBe(400);
  },
  'reads at, or not older than, a version': async (api) => {
    await createAgents(api, 2);
    const now = await api.get(api.own('agents'));
    const version = now.body.metadata.resourceVersion ?? '';
    for (const query of [
      { resourceVersion: '0' },
      { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' },
      { resourceVersion: version, resourceVersionMatch: 'Exact' },
    ]) {
      const answer = await api.call('GET', api.own('agents'), { query, recorded: false });
      api.record({ step: JSON.stringify(Object.keys(query)), status: answer.status, body: answer.body });
      expect(answer.body.items).toEqual(now.body.items);
    }
    for (const query of [
      { resourceVersionMatch: 'Exact' },
      { resourceVersion: '0', resourceVersionMatch: 'Exact' },
      { resourceVersion: '5', resourceVersionMatch: 'Sometimes' },
      { resourceVersion: 'x' },
    ]) {
      expect((await api.get(api.own('agents'), { query })).status).toBeGreaterThanOrEqual(400);
    }
    await api.get(api.own('agents', 'agent-00'), { query: { resourceVersion: '0' } });
    await api.get(api.own('agents', 'agent-00'), { query: { resourceVersion: 'x' } });
  },
};
