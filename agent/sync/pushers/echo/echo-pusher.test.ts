import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { configOf, describePusher, messages, updateOf } from '../../conformance/describe-pusher.ts';
import { echoPusher } from './index.ts';

describePusher(echoPusher, async () => ({ endpoint: 'echo' }));

describe('EchoPusher', () => {
  it('logs what it gets, cut, and asks for a snapshot once', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => lines.push(line) });
    const pusher = echoPusher.open(configOf('echo', { endpoint: 'echo' }), { logger });
    const { signal } = new AbortController();
    const session = await pusher.openSession('agent-1:t1', signal);
    const long = updateOf(2, { id: 2, text: 'x'.repeat(100_000) });
    expect(await session.push(messages(updateOf(1), long), signal)).toEqual({ snapshotNeeded: true });
    expect(await session.push(messages(long), signal)).toEqual({ snapshotNeeded: false });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ events: 2, rows: 2, rowsInAll: 2, firstRow: '{"id":1}' }),
      expect.objectContaining({ rowsInAll: 3, firstRow: expect.stringContaining('xxx') as string }),
    ]);
    expect(lines[1]?.length).toBeLessThan(4096);
  });
});
