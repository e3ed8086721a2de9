import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../test/services/service.ts';
import type { OwnService } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../conformance/source-under-test.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { Checkpoint } from '../../stream-entry.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

describe.skipIf(!hasServices('mysql'))('positions in the log of MySQL with GTIDs', () => {
  let server: OwnService;
  let world: MysqlWorld;
  let test: SourceUnderTest;
  beforeAll(async () => {
    server = await ownService('mysql', await freePort());
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    world = await MysqlWorld.create(server);
    test = new SourceUnderTest(world);
  });
  afterEach(() => test?.close());

  const untilRow = (reader: SourceReader, id: number): Promise<void> =>
    reader.until((entries) => entries.some(({ event }) => event?.rows.some((row) => world.keyOf(row) === id)));
  const checkpointOf = async (reader: SourceReader): Promise<Checkpoint> => {
    const checkpoint = await reader.commit();
    await reader.stop();
    return checkpoint;
  };
  const failureFrom = async (checkpoint: Checkpoint): Promise<unknown> => {
    const reader = await SourceReader.open(test.open(), { checkpoint });
    await expect.poll(() => reader.failure).toBeDefined();
    return reader.failure;
  };

  it('are lost when what comes behind them was purged', async () => {
    const checkpoint = await checkpointOf(await SourceReader.open(test.open()));
    await world.put(1, 1);
    await world.run('FLUSH BINARY LOGS');
    await world.purge();
    const failure = await failureFrom(checkpoint);
    expect(failure).toBeInstanceOf(PositionLostError);
    expect((failure as Error).message).toContain('purged');
  });

  it('are kept when what was purged came before them', async () => {
    const first = await SourceReader.open(test.open());
    await world.put(1, 1);
    await untilRow(first, 1);
    const checkpoint = await checkpointOf(first);
    await world.run('FLUSH BINARY LOGS');
    await world.purge();
    const second = await SourceReader.open(test.open(), { checkpoint });
    await world.put(2, 1);
    await untilRow(second, 2);
    await second.stop();
  });

  it('are lost when the log was reset, also if the server has given the same numbers since', async () => {
    await world.run('RESET BINARY LOGS AND GTIDS');
    const first = await SourceReader.open(test.open());
    await world.run(`INSERT INTO rows_ (id, version, note) VALUES (1, 1, '${'x'.repeat(9000)}')`);
    await untilRow(first, 1);
    const checkpoint = await checkpointOf(first);
    await world.run('RESET BINARY LOGS AND GTIDS');
    for (const version of [1, 2, 3]) await world.put(2, version);
    expect(await failureFrom(checkpoint)).toBeInstanceOf(PositionLostError);
  });

  it('go on above the index of before, after the log was reset and the consumer kept its position', async () => {
    await world.run('FLUSH BINARY LOGS', 'FLUSH BINARY LOGS', 'FLUSH BINARY LOGS');
    const first = await SourceReader.open(test.open());
    await world.put(1, 1);
    await untilRow(first, 1);
    const { index: afterIndex } = await checkpointOf(first);
    await world.run('RESET BINARY LOGS AND GTIDS');
    const second = await SourceReader.open(test.open(), { afterIndex });
    for (const key of [2, 3, 4]) await world.put(key, 1);
    await untilRow(second, 4);
    const indexes = second.entries.map(({ index }) => index);
    expect(Math.min(...indexes)).toBeGreaterThan(afterIndex);
    const start = second.entries.find(({ position }) => position?.['file'] !== undefined)!;
    const third = await SourceReader.open(test.open(), {
      checkpoint: { index: start.index, position: start.position!, time: '' },
    });
    await untilRow(third, 4);
    const eventsOf = ({ entries }: SourceReader): number[] =>
      entries.filter(({ event, index }) => event !== undefined && index > start.index).map(({ index }) => index);
    expect(eventsOf(third)).toEqual(eventsOf(second).filter((index) => index > start.index));
    await third.stop();
    await second.stop();
  });

  it('go on above what the consumer has at another server, whose log has the changes at other places', async () => {
    const checkpoint = await checkpointOf(await SourceReader.open(test.open()));
    const position = { ...checkpoint.position, server: '00000000-0000-0000-0000-000000000001' };
    const afterIndex = checkpoint.index + 1_000_000;
    const reader = await SourceReader.open(test.open(), { checkpoint: { ...checkpoint, position }, afterIndex });
    await world.put(1, 1);
    await untilRow(reader, 1);
    const events = reader.entries.filter(({ event }) => event !== undefined);
    expect(Math.min(...events.map(({ index }) => index))).toBeGreaterThan(afterIndex);
    await reader.stop();
  });

  it('outlive a restart of the server', async () => {
    const first = await SourceReader.open(test.open());
    await world.put(1, 1);
    await untilRow(first, 1);
    await server.stop();
    await expect.poll(() => first.failure).toBeInstanceOf(SourceError);
    expect(first.failure).toMatchObject({ retryable: true });
    const checkpoint = first.checkpoint!;
    await server.start();
    await world.put(2, 1);
    const second = await SourceReader.open(test.open(), { checkpoint });
    await untilRow(second, 2);
    expect(second.entries.flatMap(({ event }) => event?.rows ?? []).map((row) => world.keyOf(row))).toEqual([2]);
    await second.stop();
  });

  it.each([
    ["SET SESSION binlog_row_image = 'MINIMAL'", 'binlog_row_image'],
    ["SET SESSION binlog_format = 'STATEMENT'", 'binlog_format'],
    ["SET SESSION binlog_row_value_options = 'PARTIAL_JSON'", 'binlog_row_value_options'],
  ])('are of no use behind what was logged after %s, which is told', async (setting, told) => {
    await world.run(
      'ALTER TABLE rows_ ADD COLUMN j JSON',
      `INSERT INTO rows_ (id, version, j) VALUES (1, 1, '{"a": "${'x'.repeat(300)}"}')`,
    );
    const reader = await SourceReader.open(test.open());
    await world.run(setting, `UPDATE rows_ SET version = 2, j = JSON_REPLACE(j, '$.a', 'y') WHERE id = 1`);
    await expect.poll(() => reader.failure).toBeInstanceOf(SourceError);
    expect(reader.failure).toMatchObject({ reason: 'ConfigurationInvalid', retryable: false });
    expect((reader.failure as Error).message).toContain(told);
    expect((reader.failure as Error).message).not.toContain('JSON_REPLACE');
  });
});

describe.skipIf(!hasServices('mysql'))('a server of MySQL that logs no whole rows', () => {
  it.each([
    ['--skip-log-bin', 'log_bin', 'ON'],
    ['--binlog-row-image=MINIMAL', 'binlog_row_image', 'FULL'],
  ])(
    'is refused with %s, by the stream, by a snapshot and by the check of its parameters',
    async (option, name, wanted) => {
      const server = await ownService('mysql', await freePort(), [option]);
      const world = await MysqlWorld.create(server);
      const test = new SourceUnderTest(world);
      try {
        const { failure } = await SourceReader.open(test.open());
        expect(failure).toMatchObject({ reason: 'ConfigurationInvalid', retryable: false });
        expect((failure as Error).message).toContain(name);
        const { signal } = new AbortController();
        const opening = test.open().openSnapshot({ wanted: undefined, after: undefined }, signal);
        await expect(opening).rejects.toMatchObject({ reason: 'ConfigurationInvalid' });
        const checked = await world.driver.actions.check_params?.(world.actionInput, signal);
        expect(checked).toEqual({ success: false, message: `配置检查失败: 全局变量 '${name}' 必须为 '${wanted}'` });
      } finally {
        await test.close();
        await server.remove();
      }
    },
  );
});
