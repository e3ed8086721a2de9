import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { EmbeddedServer } from '../../standalone/apiserver/embedded-server.ts';
import { serverCertificate } from '../../standalone/certificate.ts';

/** The program that the tests start: an embedded server on the data folder and port of the command line. */
const [dataDir, port, token] = process.argv.slice(2);
if (dataDir === undefined || port === undefined || token === undefined)
  throw new Error('usage: <folder> <port> <token>');
const crds = join(import.meta.dirname, '../../crds');
const server = await EmbeddedServer.open({
  dataDir,
  tokens: new Map([[token, { name: 'tiangong:admin', groups: ['system:masters', 'system:authenticated'] }]]),
  crdFiles: readdirSync(crds).map((file) => join(crds, file)),
  logger: pino({ level: 'warn' }, process.stderr),
});
// kubectl sends its token only over TLS.
const tls = await serverCertificate(join(dataDir, 'tls'), []);
const { url } = await server.listen({ host: '127.0.0.1', port: Number(port), tls });
process.stdout.write(`${JSON.stringify({ url })}\n`);
// The parent is gone: nobody will stop this server.
process.stdin.resume().once('end', () => process.exit(0));
