import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import { sendWithoutEnd, strangeServer } from '../../testing/strange-server.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { MessageBound } from './message-bound.ts';
import { PostgresExecutor } from './postgres-executor.ts';

/** A message of this kind whose content has so many bytes. */
function message(kind: string, bytes: number): Buffer {
  const header = Buffer.alloc(5);
  header.write(kind);
  header.writeUInt32BE(bytes + 4, 1);
  return Buffer.concat([header, Buffer.alloc(bytes, 'D')]);
}

const header = (kind: string, bytes: number): Buffer => {
  const all = message(kind, 0);
  all.writeUInt32BE(bytes + 4, 1);
  return all;
};
const MIB = 1024 * 1024;

describe('MessageBound', () => {
  it('refuses a message that is too long wherever the bytes are cut, and none that is not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { maxLength: 20 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 12 })),
        (lengths, cuts) => {
          const bound = new MessageBound();
          bound.endGreeting();
          const good = Buffer.concat(lengths.map((length) => message('D', length)));
          const bytes = Buffer.concat([good, header('D', 64 * MIB)]);
          let taken = 0;
          for (;;) {
            const end = taken + (cuts.next() as IteratorYieldResult<number>).value;
            const refusal = bound.take(bytes.subarray(taken, end));
            expect(refusal === undefined).toBe(end < bytes.length);
            if (refusal !== undefined) {
              expect(taken + refusal.at).toBe(Math.max(taken, good.length));
              break;
            }
            taken = end;
          }
        },
      ),
    );
  });

  it('takes 64 MiB, and less before the login has ended', () => {
    const bound = new MessageBound();
    expect(new MessageBound().take(header('R', 2 * MIB))?.why).toMatch(/does not speak PostgreSQL/);
    bound.endGreeting();
    expect(bound.take(header('D', 64 * MIB - 4))).toBeUndefined();
    const long = (kind: string): string | undefined => {
      const other = new MessageBound();
      other.endGreeting();
      return other.take(header(kind, 600 * MIB - 4))?.why;
    };
    expect(['D', 'd', 'E', 'N', 'T'].map(long)).toEqual(
      ['a row', 'a line of COPY', 'an error', 'a notice', 'a message'].map(
        (name) => `${name} of 600 MiB is more than the agent takes (64 MiB)`,
      ),
    );
  });

  it('refuses a message that is shorter than its own length', () => {
    expect(new MessageBound().take(Buffer.from([82, 0, 0, 0, 3]))?.why).toMatch(/does not speak PostgreSQL/);
  });
});

describe('A postgres task on a server that is no PostgreSQL', () => {
  it.each(['disable', 'prefer'])('ends at the bytes of one that sends without end (sslmode %s)', async (sslmode) => {
    const server = await strangeServer(sendWithoutEnd);
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
    onTestFinished(() => executor.close());
    const before = process.memoryUsage().rss;
    const params = { target: { host: '127.0.0.1', port: server.port, sslmode } };
    const { outcome } = await execute(executor, { command: 'SELECT 1', params });
    expect(outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringMatching(/^connection failed: /) as string,
    });
    await expect.poll(server.connections).toBe(0);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  it('ends at bytes that have the form of a message and cannot be read', async () => {
    // The driver throws at a kind of login that it does not know.
    const server = await strangeServer((socket) => socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 99])));
    const executor = new PostgresExecutor({ connections: new Map(), spoolFolder: temporaryFolder() });
    onTestFinished(() => executor.close());
    const { outcome } = await execute(executor, {
      command: 'SELECT 1',
      params: { target: { host: '127.0.0.1', port: server.port } },
    });
    expect(outcome).toMatchObject({
      reason: 'ConnectionFailed',
      message: expect.stringContaining("the server's answer cannot be read: Unknown authenticationOk") as string,
    });
  });
});
