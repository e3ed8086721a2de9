// http-front.mjs MODULES DATA PORT: the HTTP interface of ClickHouse, as far as tests use it, on the engine in chdb.
// One request runs at a time, to its end; a real server's logins, cancelling and native protocol are clickhouse-18's part.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';

const [modules, data, port] = process.argv.slice(2);
const { Session } = createRequire(join(modules, 'package.json'))('chdb');
const session = new Session(data);

/** Parameters of a request that are no settings of the engine. */
const OWN_PARAMETERS = new Set(['query', 'query_id', 'database', 'default_format', 'user', 'password', 'session_id']);

createServer((request, response) => {
  void answer(request).then(({ status, headers, body }) => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=UTF-8', ...headers });
    response.end(body);
  });
}).listen(Number(port), '127.0.0.1', () => process.stdout.write(`listening on ${port}\n`));

async function answer(request) {
  const { pathname, searchParams: parameters } = new URL(request.url, 'http://localhost');
  if (pathname === '/ping') return { status: 200, body: 'Ok.\n' };
  try {
    const zipped = request.headers['content-encoding'] === 'gzip';
    const body = await text(zipped ? request.pipe(createGunzip()) : request);
    const query = [parameters.get('query'), body].filter(Boolean).join('\n');
    return run(query, parameters);
  } catch (err) {
    return failure(err);
  }
}

/** Without an await, so that no other request's database and settings come between. */
function run(query, parameters) {
  session.query(`USE ${name(parameters.get('database') || 'default')}`);
  for (const [key, value] of parameters) {
    if (!OWN_PARAMETERS.has(key) && key.startsWith('param_')) session.query(`SET ${key} = ${literal(value)}`);
  }
  const before = counters();
  const body = session.query(query, parameters.get('default_format') || 'TabSeparated');
  const after = counters();
  const summary = {
    read_rows: String(after.SelectedRows - before.SelectedRows),
    written_rows: String(after.InsertedRows - before.InsertedRows),
    written_bytes: String(after.InsertedBytes - before.InsertedBytes),
  };
  const headers = {
    'x-clickhouse-query-id': parameters.get('query_id') ?? '',
    'x-clickhouse-summary': JSON.stringify(summary),
  };
  return { status: 200, headers, body: body ?? '' };
}

/** The engine's totals since it started. Nothing else runs, so that differences are a query's own. */
function counters() {
  const events = session.query(
    "SELECT event, value FROM system.events WHERE event IN ('InsertedRows', 'InsertedBytes', 'SelectedRows')",
    'TabSeparated',
  );
  const found = events
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
  return { InsertedRows: 0, InsertedBytes: 0, SelectedRows: 0, ...Object.fromEntries(found) };
}

function failure(err) {
  const message = String(err.message ?? err);
  const code = /Code:\s*(\d+)/.exec(message)?.[1] ?? '0';
  // AUTHENTICATION_FAILED, UNKNOWN_DATABASE and UNKNOWN_TABLE have statuses of their own.
  const status = { 516: 403, 81: 404, 60: 404 }[code] ?? 500;
  const start = message.indexOf('Code:');
  return {
    status,
    headers: { 'x-clickhouse-exception-code': code },
    body: start < 0 ? message : message.slice(start),
  };
}

const name = (text) => `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
const literal = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
