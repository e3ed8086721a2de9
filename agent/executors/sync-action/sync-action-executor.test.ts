import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution } from '../../conformance/executor.ts';
import type { ActionInput, DriverAction } from '../../sync/driver-action.ts';
import type { PusherDriver } from '../../sync/pusher.ts';
import type { SourceDriver } from '../../sync/source.ts';
import { SyncActionExecutor } from './sync-action-executor.ts';

const wizard = { steps: [], components: { schemas: {} } };

/** An agent with a driver `d` of either side whose action `test_connection` is the given one. */
class Host {
  readonly lines: { component: string; msg: string; level: number }[] = [];
  readonly executor: SyncActionExecutor;

  constructor(action: DriverAction) {
    const driver = { name: 'd', wizard, actions: { test_connection: action } };
    this.executor = new SyncActionExecutor({
      sources: new Map([['d', driver as unknown as SourceDriver]]),
      pushers: new Map([['d', driver as unknown as PusherDriver]]),
      mayRead: (path) => Promise.resolve(path !== '/closed'),
      logger: pino({ level: 'info' }, { write: (text: string) => void this.lines.push(JSON.parse(text) as never) }),
    });
  }

  run(command: string, params: Record<string, unknown> = {}): Promise<Execution> {
    const login = { data: { passwd: 'pa55word' }, allowedHosts: ['h'] };
    const admin = { data: { api_key: 'k3y-of-admin' }, allowedHosts: undefined };
    return execute(this.executor, {
      command,
      params: { side: 'source', driver: 'd', uri: 'h:1', ...params },
      credentials: { login, admin },
    });
  }
}

const answer = (result: Buffer): unknown => JSON.parse(result.toString());

describe('SyncActionExecutor', () => {
  it('runs an action with logins from Secrets, and gives its result as JSON', async () => {
    let seen: ActionInput | undefined;
    const host = new Host((input) => {
      seen = input;
      return Promise.resolve({ success: true, message: 'well', fields: { properties: { a: { type: 'string' } } } });
    });
    const { outcome, result, log } = await host.run('test_connection', {
      ...{ user: 'u', secret_ref: 'login', target: { user: 'root', secret_ref: 'admin' }, driver_params: { a: 1 } },
    });
    expect(seen).toMatchObject({
      uri: 'h:1',
      driverParams: { a: 1 },
      credential: { data: { user: 'u', passwd: 'pa55word' }, allowedHosts: ['h'] },
      adminCreds: { data: { user: 'root', key: 'k3y-of-admin' } },
    });
    expect(await seen?.mayRead?.('/closed')).toBe(false);
    expect(outcome).toEqual({ state: 'Succeeded', message: 'well' });
    expect(answer(result)).toEqual({
      success: true,
      message: 'well',
      fields: { properties: { a: { type: 'string' } } },
    });
    expect(log).toEqual([{ level: 'info', message: 'test_connection: well' }]);
    expect(host.lines).toMatchObject([
      { component: 'fustor_agent.drivers.source.d', msg: 'test_connection: well', level: 30 },
    ]);
  });

  it('fails when the check finds something wrong, with its result', async () => {
    const host = new Host(() => Promise.resolve({ success: false, message: 'log_bin is OFF' }));
    const { outcome, result } = await host.run('test_connection', { side: 'pusher' });
    expect(outcome).toEqual({ state: 'Failed', reason: 'CheckFailed', message: 'log_bin is OFF' });
    expect(answer(result)).toEqual({ success: false, message: 'log_bin is OFF' });
  });

  it('shows no secret, whoever quotes it', async () => {
    for (const action of [
      () => Promise.reject(new Error('Access denied for u (pa55word) and k3y-of-admin')),
      () => Promise.resolve({ success: false, message: 'u:pa55word@h and k3y-of-admin' }),
    ] satisfies DriverAction[]) {
      const host = new Host(action);
      const execution = await host.run('test_connection', { secret_ref: 'login', target: { secret_ref: 'admin' } });
      const shown = JSON.stringify([execution.outcome, execution.result.toString(), execution.log, host.lines]);
      expect(shown).toContain('***');
      expect(shown).not.toMatch(/pa55word|k3y-of-admin/);
    }
  });

  it('says that a driver does without an action, and which drivers and actions there are not', async () => {
    const host = new Host(() => Promise.resolve({ success: true, message: '' }));
    expect((await host.run('check_params')).outcome).toEqual({
      state: 'Succeeded',
      message: 'Runtime parameter check not implemented for this driver.',
    });
    for (const action of ['discover_fields', 'toString', ''])
      expect((await host.run(action)).outcome).toMatchObject({ reason: 'CheckFailed' });
    expect((await host.run('test_connection', { driver: 'nope' })).outcome).toEqual({
      state: 'Failed',
      reason: 'DriverUnknown',
      message: 'this agent has no source driver nope',
    });
  });

  it('fails when a login cannot be had', async () => {
    const host = new Host(() => Promise.resolve({ success: true, message: '' }));
    for (const params of [{ secret_ref: 'gone' }, { target: { secret_ref: 'gone' } }])
      expect((await host.run('test_connection', params)).outcome).toMatchObject({ reason: 'CredentialUnavailable' });
  });

  it('refuses parameters that cannot be', async () => {
    const host = new Host(() => Promise.resolve({ success: true, message: '' }));
    for (const params of [
      { side: 'both' },
      { driver: 1 },
      { driver_params: [] },
      { target: 'x' },
      { uri: {} },
      { target: { user: 1 } },
    ])
      expect((await host.run('test_connection', params)).outcome).toMatchObject({ reason: 'InvalidParams' });
  });
});
