import { describe, expect, it, onTestFinished } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { ServerSession } from './server-session.ts';
import { parseSettings } from './settings.ts';

describe.skipIf(!hasServices('mysql'))('a session of a sync with MySQL', () => {
  it('gives up on a server that does not answer, and connects anew for the next question', async () => {
    const { host, port, user, password } = await service('mysql');
    const config = { id: 's', driver: 'mysql', uri: `${host}:${port}`, driverParams: {} };
    const credential = { data: { user, passwd: password }, allowedHosts: undefined };
    const limits = { maxQueueSize: 1, maxRetries: 0, retryDelayMs: 1 };
    const session = new ServerSession(parseSettings({ ...config, ...limits, credential }), 1000);
    onTestFinished(() => session.close());
    await expect(session.rows('SELECT SLEEP(60)')).rejects.toThrow('no answer within 1000 ms');
    expect(await session.rows('SELECT 1 AS one')).toEqual([{ one: '1' }]);
  });
});
