import { describe, expect, it } from 'vitest';
import { KubeClient } from '../../../kube/client.ts';
import type { KubeRequest, KubeResponse } from '../../../kube/transport.ts';
import { checkDryRun } from './dry-run-support.ts';
import { failureOf } from './k8s-failure.ts';
import { ObjectCalls } from './object-calls.ts';
import { poll } from './readiness/poll.ts';
import type { Target } from './target.ts';

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Record<string, string | string[]>;
}

/** A client of a server whose answers are given; an Error is a broken connection. */
function clientOf(answers: (Answer | Error)[], seen: KubeRequest[] = []): KubeClient {
  return new KubeClient({
    send: (request): Promise<KubeResponse> => {
      seen.push(request);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer instanceof Error) return Promise.reject(answer ?? new Error('no answer'));
      const { status, body, headers = {} } = answer;
      return Promise.resolve({
        status,
        headers,
        text: () => Promise.resolve(JSON.stringify(body)),
        chunks: () => [] as never,
      });
    },
    close: () => Promise.resolve(),
  });
}

const target: Target = {
  kind: {
    group: '',
    version: 'v1',
    plural: 'configmaps',
    kind: 'ConfigMap',
    namespaced: true,
    singular: 'configmap',
    shortNames: [],
  },
  namespace: 'default',
  name: 'a',
};
const callsOf = (answers: (Answer | Error)[], seen: KubeRequest[] = [], warnings: string[] = []): ObjectCalls =>
  new ObjectCalls({
    client: clientOf(answers, seen),
    signal: new AbortController().signal,
    dryRun: false,
    onKindGone: () => undefined,
    onWarning: (text) => warnings.push(text),
  });
const broken = (code: string): Error => Object.assign(new Error(`it broke: ${code}`), { code });
const ok: Answer = { status: 200, body: { kind: 'ConfigMap' } };

describe('ObjectCalls', () => {
  it('sends a write that may have happened once, and says that it may have', async () => {
    const seen: KubeRequest[] = [];
    const failure = await callsOf([broken('UND_ERR_SOCKET')], seen)
      .create(target, {})
      .catch((err: unknown) => failureOf(err, 'create resource'));
    expect(failure).toMatchObject({
      reason: 'ConnectionLost',
      message: expect.stringContaining('whether it was done is not known') as string,
    });
    expect(seen).toHaveLength(1);
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'SELF_SIGNED_CERT_IN_CHAIN'])(
    'knows that nothing was sent with %s',
    async (code) => {
      const failure = await callsOf([broken(code)])
        .delete(target)
        .catch((err: unknown) => failureOf(err, 'delete resource'));
      expect(failure).toMatchObject({ reason: 'ConnectionFailed' });
      const read = await callsOf([broken('ECONNRESET')])
        .get(target)
        .catch((err: unknown) => failureOf(err, 'get resource'));
      expect(read).toMatchObject({ reason: 'ConnectionFailed' });
    },
  );

  it('comes back when the server sheds load, but not for ever', async () => {
    const busy: Answer = { status: 429, body: { reason: 'TooManyRequests', details: { retryAfterSeconds: 0.001 } } };
    const seen: KubeRequest[] = [];
    expect((await callsOf([busy, busy, ok], seen).create(target, {})).status).toBe(200);
    expect(seen).toHaveLength(3);
    await expect(callsOf([busy]).create(target, {})).rejects.toMatchObject({ code: 429 });
  });

  it('tells each warning once', async () => {
    const warnings: string[] = [];
    const headers = { warning: ['299 - "use \\"v2\\""', '299 - "b, c"'] };
    const calls = callsOf([{ ...ok, headers }], [], warnings);
    await calls.create(target, {});
    await calls.create(target, {});
    expect(warnings).toEqual(['use "v2"', 'b, c']);
  });
});

describe('checkDryRun', () => {
  it.each([
    ['1', '36', true],
    ['1', '18+', true],
    ['2', '0', true],
    ['1', '17', false],
    ['', '', false],
  ])('on version %s.%s: %s', async (major, minor, isKnown) => {
    const client = clientOf([{ status: 200, body: { major, minor } }]);
    const check = checkDryRun(client, new AbortController().signal);
    if (isKnown) await check;
    else await expect(check).rejects.toMatchObject({ reason: 'DryRunNotSupported' });
  });
});

describe('poll', () => {
  const session = (log: string[], signal = new AbortController().signal): Parameters<typeof poll>[0] => ({
    context: { signal, output: { log: (_level: string, text: string) => void log.push(text) } } as never,
  });

  it('goes on over an outage of the API server, with one line of the log', async () => {
    const log: string[] = [];
    const calls = callsOf([
      broken('ECONNREFUSED'),
      broken('ECONNREFUSED'),
      { status: 503, body: { message: 'starting' } },
      ok,
    ]);
    expect(await poll(session(log), () => calls.get(target))).toEqual({ kind: 'ConfigMap' });
    expect(log).toHaveLength(2);
  });

  it('ends with what waiting does not mend, and when it is stopped', async () => {
    const calls = callsOf([{ status: 403, body: { message: 'no', reason: 'Forbidden' } }]);
    await expect(poll(session([]), () => calls.get(target))).rejects.toMatchObject({ reason: 'Forbidden' });
    const stop = new AbortController();
    const endless = poll(session([], stop.signal), () => Promise.resolve(undefined));
    stop.abort(new Error('enough'));
    await expect(endless).rejects.toThrow('enough');
  });
});
