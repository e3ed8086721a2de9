import { lookup } from 'node:dns';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AddressRules } from '../../agent/connections/address-rules.ts';
import { HttpPool } from '../../agent/executors/clickhouse/http/http-pool.ts';
import { ElasticsearchClient } from '../../agent/executors/elasticsearch/elasticsearch-client.ts';
import type { Target } from '../../agent/connections/target.ts';
import { ConsumerClient } from '../../agent/sync/pushers/http/consumer-client.ts';
import { Bucket } from '../../agent/sync/sources/source_oss/bucket.ts';

const NAME = 'innocent.test';
const METADATA = '169.254.169.254';

// No test can have a name in the world's DNS; everything behind the look-up is real.
vi.mock('node:dns', async (importOriginal) => ({ ...(await importOriginal<object>()), lookup: vi.fn() }));

const never = new AbortController().signal;
const target: Target = {
  ...{ host: NAME, port: 80, user: 'u', password: undefined, apiKey: undefined, database: 'd', protocol: 'http' },
  ...{ sslmode: undefined, ca: undefined, verifySsl: undefined, authSource: undefined, backup: undefined },
  ...{ ledger: false, key: 'k', label: 'l', secrets: [] },
};

/** Each asks the name for something, as tasks and syncs do. */
const clients: Readonly<Record<string, () => Promise<unknown>>> = {
  'a clickhouse task': async () => {
    const pool = new HttpPool(target, { protocol: 'http', tls: undefined });
    onTestFinished(() => pool.close());
    await pool.open(never);
  },
  'an elasticsearch task or source': async () => {
    const client = new ElasticsearchClient(target);
    onTestFinished(() => client.close());
    await client.reach(never);
  },
  'a sync that pushes to a consumer': async () => {
    const endpoint = `http://${NAME}/`;
    const client = new ConsumerClient({ endpoint, credential: undefined, driverParams: {} });
    onTestFinished(() => client.close());
    await client.call({ method: 'GET', url: new URL(endpoint), timeoutMs: 20_000 }, never);
  },
  'a sync that reads a bucket': async () => {
    const settings = { endpoint: `http://${NAME}`, bucket: 'b01', region: 'r', prefix: '', recursive: true };
    const bucket = new Bucket({ ...settings, login: undefined });
    onTestFinished(() => bucket.close());
    await bucket.list({}, 1, never);
  },
};

describe('an attacker whose name resolves to where clouds serve credentials', () => {
  afterEach(() => vi.mocked(lookup).mockReset());

  it.each(Object.entries(clients))('is not asked by %s', async (_who, ask) => {
    vi.mocked(lookup).mockImplementation(((_name: string, _options: object, callback: (...args: unknown[]) => void) =>
      process.nextTick(callback, null, [{ address: METADATA, family: 4 }])) as never);
    const failure = await ask().then(
      () => 'none',
      (err: unknown) => err as Error & { cause?: unknown },
    );
    expect(vi.mocked(lookup).mock.calls.map(([name]) => name)).toContain(NAME);
    expect(causesOf(failure)).toContain(`requests to ${NAME} (${METADATA}) are not allowed on this agent`);
  });

  it('gets away neither with an address that is allowed beside it nor with another answer later', async () => {
    const rules = new AddressRules();
    const answers = [
      [
        { address: METADATA, family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: METADATA, family: 4 }],
    ];
    vi.mocked(lookup).mockImplementation(((_name: string, _options: object, callback: (...args: unknown[]) => void) =>
      callback(null, answers.shift())) as never);
    const resolve = (): Promise<unknown> =>
      new Promise((done, fail) =>
        rules.lookup(NAME, { all: true }, (err, found) => (err === null ? done(found) : fail(err))),
      );
    expect(await resolve()).toEqual([{ address: '127.0.0.1', family: 4 }]);
    await expect(resolve()).rejects.toThrow(METADATA);
  });
});

/** What the error says, and the errors that it came of. */
function causesOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return `${err.message}\n${err.cause === undefined ? '' : causesOf(err.cause)}`;
}
