/** The paths of a consumer by what they are for, in the order of the document. The first of each is in its document. */
export const PATHS = {
  session: ['/ingest/open', '/events/session'],
  position: ['/ingest/checkpoint', '/events/position', '/checkpoint'],
  heartbeat: ['/ingest/alive', '/events/heartbeat'],
  push: ['/ingest/events', '/events/push', '/batch'],
} as const;

/** How a consumer describes itself: none of its paths could be guessed, so that the extension keys must be read. */
export function consumerDocument(rowSchema: unknown = { type: 'object' }): unknown {
  return {
    openapi: '3.1.0',
    info: { title: 'Consumer for tests', version: '1.0.0' },
    servers: [
      {
        url: '/',
        'x-fustor_agent-open-session-endpoint': PATHS.session[0],
        'x-fustor_agent-status-endpoint': PATHS.position[0],
        'x-fustor_agent-heartbeat-endpoint': PATHS.heartbeat[0],
        'x-fustor_agent-ingest-batch-endpoint': PATHS.push[0],
      },
    ],
    paths: {
      [PATHS.session[0]]: { post: { responses: { 200: { description: 'a session' } } } },
      [PATHS.position[0]]: { get: { responses: { 200: { description: 'an index' } } } },
      [PATHS.heartbeat[0]]: { post: { responses: { 200: { description: 'alive' } } } },
      [PATHS.push[0]]: {
        post: {
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Row' } } } },
          responses: { 200: { description: 'taken' } },
        },
      },
    },
    components: { schemas: { Row: rowSchema } },
  };
}
