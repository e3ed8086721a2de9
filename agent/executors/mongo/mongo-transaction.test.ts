import { tmpdir } from 'node:os';
import { Long } from 'mongodb';
import type { Document } from 'mongodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { MongoExecutor } from './mongo-executor.ts';
import { MEMBER, WireServer } from './testing/wire-server.ts';

const OPERATIONS = [
  { operation: 'insert', collection: 'a', documents: [{ _id: 1 }] },
  { operation: 'update', collection: 'b', filter: { _id: 1 }, update: { done: true } },
  { operation: 'delete', collection: 'c', filter: { _id: 1 } },
];
const REFUSED = { ok: 0, code: 112, codeName: 'WriteConflict', errmsg: 'write conflict' };

function run(server: WireServer, options: Document = { transaction: true }, work: Work = {}): Promise<Execution> {
  const executor = new MongoExecutor({ connections: new Map(), spoolFolder: tmpdir(), graceMs: 300 });
  onTestFinished(() => executor.close());
  return execute(executor, {
    command: JSON.stringify(OPERATIONS),
    params: { target: { host: '127.0.0.1', port: server.port, db: 'shop' }, exec_options: options },
    ...work,
  });
}

describe('MongoExecutor with exec_options.transaction', () => {
  it('sends all operations as one transaction and commits it', async () => {
    const server = await WireServer.listen(MEMBER, (name) =>
      name === 'commitTransaction' ? undefined : { n: 1, nModified: 1, ok: 1 },
    );
    const { outcome, result, evidence } = await run(server);
    expect(outcome.state).toBe('Succeeded');
    expect(result.toString()).toMatch(
      /^Operation 1: INSERT SUCCESS .*\n.*\nOperation 3: DELETE SUCCESS \(Documents: 1\)$/,
    );
    expect(server.names).toEqual(['insert', 'update', 'delete', 'commitTransaction']);
    const [first] = server.commands;
    for (const [index, command] of server.commands.entries()) {
      expect(command).toMatchObject({ lsid: first?.['lsid'], txnNumber: first?.['txnNumber'], autocommit: false });
      expect(command['startTransaction']).toBe(index === 0 ? true : undefined);
    }
    expect(server.commands[0]).toMatchObject({ readConcern: { level: 'snapshot' }, $db: 'shop' });
    expect(server.commands.at(-1)).toMatchObject({ $db: 'admin', writeConcern: { w: 'majority' } });
    expect(evidence.at(-1)).toBe('committing the transaction of 3 operations on shop');
  });

  it('aborts it when an operation fails', async () => {
    const server = await WireServer.listen(MEMBER, (name) => (name === 'update' ? REFUSED : { n: 1, ok: 1 }));
    const { outcome, result } = await run(server);
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'OperationFailed',
      message:
        'MongoDB operations failed: Operation 2: ERROR - write conflict (the transaction was aborted: none of the operations took effect)',
    });
    expect(result.toString()).toMatch(/\nOperation 2: ERROR - write conflict$/);
    expect(server.names).toEqual(['insert', 'update', 'abortTransaction']);
  });

  it('sends a commit again that got no answer', async () => {
    let commits = 0;
    const server = await WireServer.listen(MEMBER, (name) => {
      if (name !== 'commitTransaction') return { n: 1, ok: 1 };
      commits += 1;
      return commits === 1 ? 'hang up' : { ok: 1 };
    });
    const { outcome } = await run(server);
    expect(outcome.state).toBe('Succeeded');
    expect(server.names).toEqual(['insert', 'update', 'delete', 'commitTransaction', 'commitTransaction']);
    expect(server.commands[4]?.['txnNumber']).toEqual(server.commands[3]?.['txnNumber']);
  });

  it('says that nobody knows what a commit did that never got an answer', async () => {
    const server = await WireServer.listen(MEMBER, (name) =>
      name === 'commitTransaction' ? 'hang up' : { n: 1, ok: 1 },
    );
    const { outcome } = await run(server);
    expect(outcome).toMatchObject({
      reason: 'CommitOutcomeUnknown',
      message: expect.stringContaining('whether the 3 operations took effect is unknown') as string,
    });
    expect(server.names.filter((name) => name === 'insert')).toHaveLength(1);
  });

  it('says that nothing took effect when the commit is refused', async () => {
    const server = await WireServer.listen(MEMBER, (name) =>
      name === 'commitTransaction' ? { ok: 0, code: 251, errmsg: 'it was aborted' } : { n: 1, ok: 1 },
    );
    expect((await run(server)).outcome).toEqual({
      state: 'Failed',
      reason: 'OperationFailed',
      message: 'MongoDB operations failed: commit: it was aborted (none of the operations took effect)',
    });
  });

  it('waits for a commit that is under way when the time is over, and says that it was done', async () => {
    const committing = Promise.withResolvers<undefined>();
    const over = Promise.withResolvers<Document>();
    const server = await WireServer.listen(MEMBER, (name) => {
      if (name !== 'commitTransaction') return { n: 1, ok: 1 };
      committing.resolve(undefined);
      return over.promise;
    });
    const controller = new AbortController();
    const execution = run(server, { transaction: true }, { signal: controller.signal });
    await committing.promise;
    controller.abort(new TaskAborted('User', 'canceled by user'));
    over.resolve({ ok: 1 });
    const { outcome, log } = await execution;
    expect(outcome).toMatchObject({
      state: 'Failed',
      message: 'canceled by user (the transaction was committed all the same: all operations took effect)',
    });
    expect(log.at(-1)?.message).toBe('The transaction was committed');
  });

  it.each([
    ['a mongos', { msg: 'isdbgrid' }, true],
    ['a single server', {}, false],
  ])('asks %s whether it can', async (_name, hello, can) => {
    const server = await WireServer.listen(hello, () => ({ n: 1, ok: 1 }));
    const { outcome } = await run(server);
    if (can) expect(outcome.state).toBe('Succeeded');
    else {
      expect(outcome).toEqual({
        state: 'Failed',
        reason: 'TransactionsNotSupported',
        message:
          'exec_options.transaction cannot be had: the server is neither a member of a replica set nor a mongos; nothing was executed',
      });
      expect(server.commands).toEqual([]);
    }
  });

  it('is not to be had together with continue_on_error', async () => {
    const server = await WireServer.listen(MEMBER);
    const { outcome } = await run(server, { transaction: true, continue_on_error: true });
    expect(outcome).toMatchObject({ reason: 'InvalidParams' });
  });
});

describe('MongoExecutor, stopped or cut off', () => {
  const stopped = async (server: WireServer, options: Document): Promise<Execution> => {
    const controller = new AbortController();
    const execution = run(server, options, { signal: controller.signal });
    await vi.waitFor(() => expect(server.names).toContain('update'));
    controller.abort(new TaskAborted('User', 'canceled by user'));
    return execution;
  };

  it('asks the server to end what its session executes, then aborts the transaction', async () => {
    const killed = Promise.withResolvers<Document>();
    const server = await WireServer.listen(MEMBER, (name) => {
      if (name === 'killSessions') killed.resolve({ ok: 0, code: 11601, errmsg: 'operation was interrupted' });
      return name === 'update' ? killed.promise : { n: 1, ok: 1 };
    });
    const { outcome } = await stopped(server, { transaction: true });
    expect(outcome.state).toBe('Failed');
    expect(server.names).toEqual(['insert', 'update', 'killSessions', 'abortTransaction']);
    expect(server.commands[2]?.['killSessions']).toEqual([server.commands[1]?.['lsid']]);
  });

  it('ends its own operations by their comment where the server knows no killSessions', async () => {
    const killed = Promise.withResolvers<Document>();
    const server = await WireServer.listen(MEMBER, (name) => {
      if (name === 'killSessions') return { ok: 0, code: 59, errmsg: 'no such command' };
      if (name === 'currentOp') return { inprog: [{ opid: 4711 }], ok: 1 };
      if (name === 'killOp') killed.resolve({ ok: 0, code: 11601, errmsg: 'operation was interrupted' });
      return name === 'update' ? killed.promise : { n: 1, ok: 1 };
    });
    await stopped(server, {});
    const [, update, , current, kill] = server.commands;
    expect(current).toMatchObject({ currentOp: 1, $ownOps: true, 'command.comment': update?.['comment'] });
    expect(kill).toMatchObject({ killOp: 1, op: 4711 });
  });

  it('gives up a connection on which the server never answers, and says what may have been done', async () => {
    const server = await WireServer.listen(MEMBER, (name) => (name === 'update' ? 'silence' : { n: 1, ok: 1 }));
    const { outcome, result } = await stopped(server, {});
    expect(outcome).toMatchObject({ message: 'canceled by user (1 of 3 operations done)' });
    expect(result.toString()).toMatch(
      /\nOperation 2: ERROR - canceled by user; what it had begun to change may have been changed$/,
    );
    expect(server.names).not.toContain('delete');
  });

  it('sends no operation twice when the connection breaks, and says that it may have been done', async () => {
    const server = await WireServer.listen(MEMBER, (name) => (name === 'update' ? 'hang up' : { n: 1, ok: 1 }));
    const { outcome } = await run(server, { continue_on_error: true });
    expect(outcome).toMatchObject({
      reason: 'ConnectionLost',
      message: expect.stringMatching(
        /^MongoDB operations failed: Operation 2: ERROR - the connection was lost: .*; the server may have done it or not/,
      ) as string,
    });
    expect(server.names).toEqual(['insert', 'update']);
  });

  it('reaches a server that was away, before its first task or between two', async () => {
    const executor = new MongoExecutor({ connections: new Map(), spoolFolder: tmpdir() });
    onTestFinished(() => executor.close());
    let server = await WireServer.listen(MEMBER, () => ({ n: 1, ok: 1 }));
    const { port } = server;
    const work = { command: JSON.stringify(OPERATIONS), params: { target: { host: '127.0.0.1', port } } };
    const state = async (): Promise<string> => (await execute(executor, work)).outcome.state;
    await server.stop();
    expect(await state()).toBe('Failed');
    for (let restarts = 0; restarts < 2; restarts += 1) {
      server = await WireServer.listen(MEMBER, () => ({ n: 1, ok: 1 }), port);
      expect(await state()).toBe('Succeeded');
      await server.stop();
    }
    expect(await state()).toBe('Failed');
  });

  it('has failed after its time, whatever the server answers then', async () => {
    const killed = Promise.withResolvers<Document>();
    const server = await WireServer.listen(MEMBER, (name) => {
      if (name === 'killSessions') killed.resolve({ n: 1, ok: 1 });
      return name === 'delete' ? killed.promise : { n: 1, ok: 1 };
    });
    const { outcome, result } = await run(server, { timeout_ms: 3000 });
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'TimeoutExceeded',
      message: 'execution timeout after 3000 ms (3 of 3 operations done)',
    });
    expect(result.toString()).toContain('Operation 3: DELETE SUCCESS (Documents: 1)');
  });

  it('fails when what it finds has no room on the disk, and closes the cursor', async () => {
    const firstBatch = Array.from({ length: 300 }, (_, number) => ({ _id: number, text: 'x'.repeat(10_000) }));
    const cursor = { id: Long.fromNumber(7), ns: 'admin.a', firstBatch };
    const server = await WireServer.listen(MEMBER, (name) => (name === 'find' ? { cursor, ok: 1 } : { ok: 1 }));
    const executor = new MongoExecutor({ connections: new Map(), spoolFolder: '/dev/null/none' });
    onTestFinished(() => executor.close());
    const params = { target: { host: '127.0.0.1', port: server.port } };
    const command = JSON.stringify([{ operation: 'find', collection: 'a' }, ...OPERATIONS]);
    const { outcome } = await execute(executor, { command, params });
    expect(outcome).toMatchObject({
      reason: 'DiskFull',
      message: expect.stringMatching(
        /^MongoDB operations failed: rows cannot .* \(0 of 4 operations done\)$/,
      ) as string,
    });
    expect(server.names).toEqual(['find', 'killCursors']);
  });

  it('bounds every operation on the server by what is left of the time', async () => {
    const server = await WireServer.listen(MEMBER, () => ({ n: 1, ok: 1 }));
    await run(server, { timeout_ms: 60_000 });
    for (const command of server.commands) {
      expect(command['maxTimeMS']).toBeGreaterThan(0);
      expect(command['maxTimeMS']).toBeLessThanOrEqual(60_500);
    }
  });
});
