import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findEndpoints } from './endpoints.ts';
import type { Endpoints } from './endpoints.ts';

const ENDPOINT = new URL('http://consumer:9000/docs/openapi.json');
const hrefs = ({ session, position, batch, heartbeat }: Endpoints): readonly string[] =>
  [session, position, batch, heartbeat].map(({ href }) => href.replace('http://consumer:9000', ''));

const json = { requestBody: { content: { 'application/json': { schema: {} } } } };

describe('findEndpoints', () => {
  it.each(['x-fustor_agent-', 'x-fuagent-'])(
    'takes extension keys that begin with %s before anything else',
    (prefix) => {
      const server = {
        url: '/v1',
        [`${prefix}open-session-endpoint`]: '/a',
        [`${prefix}status-endpoint`]: '/b?kept=1',
        [`${prefix}ingest-batch-endpoint`]: 'c',
        [`${prefix}heartbeat-endpoint`]: 'http://consumer:9000/d',
      };
      const paths = { '/session': { post: {} }, '/position': { get: {} }, '/events': { post: json } };
      expect(hrefs(findEndpoints({ servers: [server], paths }, ENDPOINT))).toEqual(['/a', '/b?kept=1', '/c', '/d']);
    },
  );

  it('guesses by the words in paths and by their methods, under the address of the server', () => {
    const paths = {
      '/Sessions/{id}': { post: {} },
      '/sessions': { get: {} },
      '/my-Session/new': { post: {} },
      '/position': { post: {} },
      '/events/position': { get: {} },
      '/events/ping': { post: {} },
      '/events/take': { post: json },
      '/events/heartbeats': { post: {} },
    };
    const found = findEndpoints({ servers: [{ url: '/v1/' }], paths }, ENDPOINT);
    expect(hrefs(found)).toEqual([
      '/v1/my-Session/new',
      '/v1/events/position',
      '/v1/events/take',
      '/v1/events/heartbeats',
    ]);
    expect(found.guessed.size).toBe(0);
  });

  it('falls back to the defaults', () => {
    for (const document of [
      { paths: {} },
      { servers: [], paths: {} },
      { servers: 'x', paths: [] },
      { servers: [{}] },
    ]) {
      const found = findEndpoints(document, ENDPOINT);
      expect(hrefs(found)).toEqual(['/events/session', '/checkpoint', '/batch', '/events/heartbeat']);
      expect(found.guessed.size).toBe(4);
    }
  });

  it('lets the parameters of the driver come first', () => {
    const server = { 'x-fuagent-ingest-batch-endpoint': '/keyed' };
    const found = findEndpoints({ servers: [server], paths: {} }, ENDPOINT, { batch_endpoint: '/mine' });
    expect(found.batch.pathname).toBe('/mine');
  });

  it('refuses addresses that are none', () => {
    expect(() => findEndpoints({ servers: [{ url: 'http://' }], paths: {} }, ENDPOINT)).toThrow('no address');
    const server = { 'x-fuagent-status-endpoint': 'http://' };
    expect(() => findEndpoints({ servers: [server], paths: {} }, ENDPOINT)).toThrow('no address');
  });

  it('finds four addresses in any document, or says what is wrong', () => {
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom('servers', 'paths', 'url', 'post', '/session', 'x') }),
        (document) => {
          try {
            expect(hrefs(findEndpoints(document, ENDPOINT))).toHaveLength(4);
          } catch (err) {
            expect(err).toMatchObject({ reason: 'AnswerInvalid' });
          }
        },
      ),
    );
  });
});
