/**
 * A consumer that only reads what it gets and counts: the other end of the benchmark of syncs, in a process of its own. It
 * writes `{"port"}` and ends with its standard input. `GET /counts` and, with every
 * latency, `GET /stats` tell what came since `POST /reset`.
 */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';

interface Push {
  readonly source_type: 'message' | 'snapshot';
  readonly is_snapshot_end?: boolean;
  readonly events: readonly {
    readonly index: number;
    readonly table: string;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  }[];
}

export interface SinkStats {
  readonly snapshotRows: number;
  /** When the first and the last row of a snapshot came, in epoch milliseconds. */
  readonly snapshotFirst: number;
  readonly snapshotLast: number;
  readonly snapshotEnds: number;
  readonly messageRows: number;
  readonly pushes: number;
  /** From `written` of each row of a message, in epoch microseconds, to its arrival; sorted, in milliseconds. */
  readonly latencies: readonly number[];
  /** When each file of a message came first, in epoch milliseconds, by its path. */
  readonly arrivals: Readonly<Record<string, number>>;
}

const emptyStats = (): SinkStats & { latencies: number[]; arrivals: Record<string, number> } => ({
  ...{ snapshotRows: 0, snapshotFirst: 0, snapshotLast: 0, snapshotEnds: 0, messageRows: 0, pushes: 0 },
  ...{ latencies: [], arrivals: {} },
});

let stats = emptyStats();
const positions = new Map<string, number>();

const now = (): number => performance.timeOrigin + performance.now();

function take(push: Push): void {
  const at = now();
  const counts = stats as { -readonly [Key in keyof SinkStats]: SinkStats[Key] };
  counts.pushes += 1;
  if (push.is_snapshot_end === true) counts.snapshotEnds += 1;
  for (const { rows, index, table } of push.events) {
    if (table === 'initial_trigger') continue;
    if (push.source_type === 'snapshot') {
      if (counts.snapshotRows === 0) counts.snapshotFirst = at;
      counts.snapshotRows += rows.length;
      counts.snapshotLast = at;
      continue;
    }
    positions.set('', Math.max(positions.get('') ?? -1, index));
    counts.messageRows += rows.length;
    for (const row of rows) {
      if (typeof row['written'] === 'number') stats.latencies.push(at - row['written'] / 1000);
      if (typeof row['file_path'] === 'string') stats.arrivals[row['file_path']] ??= at;
    }
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString());
}

const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<unknown>>> = {
  'GET /openapi.json': () =>
    Promise.resolve({
      openapi: '3.1.0',
      info: { title: 'sink', version: '1' },
      servers: [
        {
          url: '/',
          'x-fustor_agent-open-session-endpoint': '/session',
          'x-fustor_agent-status-endpoint': '/position',
          'x-fustor_agent-ingest-batch-endpoint': '/batch',
          'x-fustor_agent-heartbeat-endpoint': '/heartbeat',
        },
      ],
      paths: {
        '/batch': {
          post: {
            requestBody: { content: { 'application/json': { schema: { type: 'object', properties: {} } } } },
            responses: {},
          },
        },
      },
    }),
  'POST /session': () =>
    Promise.resolve({ session_id: 's', suggested_heartbeat_interval_seconds: 10, session_timeout_seconds: 60 }),
  'GET /position': () => Promise.resolve(positions.get('') ?? -1),
  'POST /heartbeat': () => Promise.resolve({ status: 'ok' }),
  'POST /batch': async (request) => {
    take((await readJson(request)) as Push);
    return {};
  },
  'POST /reset': () => {
    stats = emptyStats();
    positions.clear();
    return Promise.resolve({});
  },
  'GET /counts': () => Promise.resolve({ ...stats, latencies: [], arrivals: {} }),
  'GET /stats': () => Promise.resolve({ ...stats, latencies: stats.latencies.toSorted((a, b) => a - b) }),
};

const server = createServer((request, response) => {
  const [path = ''] = (request.url ?? '').split('?');
  const answer = answers[`${request.method ?? ''} ${path.replace(/(?<=.)\/$/, '')}`];
  if (answer === undefined) {
    request.resume();
    response.writeHead(request.method === 'DELETE' ? 204 : 404).end();
    return;
  }
  answer(request).then(
    (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (err: unknown) => response.writeHead(500).end(String(err)),
  );
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`),
);
process.stdin.resume().once('end', () => process.exit(0));
