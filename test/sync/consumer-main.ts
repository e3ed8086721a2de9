import { parseArgs } from 'node:util';
import { TestConsumer } from './consumer.ts';
import type { ListenOptions } from './consumer.ts';

/**
 * The consumer as a process: `consumer-main.ts [--port N] [--options JSON]`, the options as `TestConsumer.listen` takes them.
 * It writes one line of JSON, `{"url", "endpoint", "fusionEndpoint"}`, and ends with its standard input.
 */
const { values } = parseArgs({ options: { port: { type: 'string' }, options: { type: 'string' } } });
const consumer = await TestConsumer.listen({
  ...(JSON.parse(values.options ?? '{}') as ListenOptions),
  ...(values.port !== undefined && { port: Number(values.port) }),
});
const { url, endpoint, fusionEndpoint } = consumer;
process.stdout.write(`${JSON.stringify({ url, endpoint, fusionEndpoint })}\n`);
// The parent is gone: nobody will stop this server.
process.stdin.resume().once('end', () => process.exit(0));
