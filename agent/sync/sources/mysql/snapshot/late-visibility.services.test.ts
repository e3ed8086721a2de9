import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../../test/kubernetes/free-port.ts';
import { hasServices, ownService } from '../../../../../test/services/service.ts';
import type { OwnService } from '../../../../../test/services/service.ts';
import { SourceReader } from '../../../conformance/source-reader.ts';
import { SourceUnderTest } from '../../../conformance/source-under-test.ts';
import type { SnapshotChunk, SnapshotReader } from '../../../snapshot.ts';
import type { Source } from '../../../source.ts';
import type { StreamEntry } from '../../../stream-entry.ts';
import { isBehind, placeOf, readPosition } from '../log/position.ts';
import type { MysqlTransaction } from '../log/position.ts';
import { MysqlWorld } from '../testing/mysql-world.ts';

const { signal } = new AbortController();
/** A commit waits between the log and the tables for a replica that never comes. */
const OPTIONS = ['--plugin-load-add=semisync_source.so', '--rpl-semi-sync-source-timeout=600000'];
const WITHOUT_GTIDS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'];

describe.skipIf(!hasServices('mysql')).each([
  ['with GTIDs', OPTIONS, false],
  ['without GTIDs, by locks', [...OPTIONS, ...WITHOUT_GTIDS], false],
  ['without GTIDs, by a marker', [...OPTIONS, ...WITHOUT_GTIDS], true],
] as const)('a change of MySQL that is logged and not visible yet, %s', (_, options, hasMarker) => {
  let server: OwnService;
  let world: MysqlWorld;
  let test: SourceUnderTest;
  let source: Source;
  let reader: SourceReader;
  let waiting: Promise<void> | undefined;
  beforeAll(async () => {
    server = await ownService('mysql', await freePort(), options);
  });
  afterAll(() => server?.remove());
  beforeEach(async () => {
    world = await MysqlWorld.create(server, { hasMarker });
    test = new SourceUnderTest(world);
    source = test.open();
    await world.put(1, 1);
    reader = await SourceReader.open(source);
  });
  afterEach(async () => {
    await release();
    await reader?.stop();
    await test?.close();
  });

  const changed = (): StreamEntry | undefined =>
    reader.entries.find(({ event }) => event?.rows.some((row) => world.versionOf(row) === 2));
  /** Until then nothing commits. */
  const release = async (): Promise<void> => {
    await world.pool.query('SET GLOBAL rpl_semi_sync_source_enabled = 0');
    await waiting;
  };
  const changeUnseen = async (): Promise<StreamEntry> => {
    await world.pool.query('SET GLOBAL rpl_semi_sync_source_enabled = 1');
    waiting = world.put(1, 2);
    await reader.until(() => changed() !== undefined);
    return changed()!;
  };
  const versionIn = (chunk: SnapshotChunk | undefined): number[] =>
    chunk?.rows.map((row) => world.versionOf(row)) ?? [];
  const openSnapshot = (): Promise<SnapshotReader> =>
    source.openSnapshot({ wanted: undefined, after: reader.checkpoint?.position }, signal);

  it('is not taken for seen by a chunk that did not see it, as its place in the log would have it', async () => {
    const early = await openSnapshot();
    const { transaction } = await changeUnseen();
    const reading = early.next(undefined, 10, signal);
    if (options !== OPTIONS) {
      // The chunk waits for whoever is about to commit.
      const first = await Promise.race([reading, settled(50)]);
      expect(first).toBe('still waiting');
      await release();
    }
    const chunk = (await reading)!;
    const saw = versionIn(chunk)[0] === 2;
    expect(chunk.sees(transaction)).toBe(saw);
    if (options === OPTIONS) {
      expect(saw).toBe(false);
      // By places in the log the old row would go out behind the new one: the log's end was behind the change already.
      const [status] = (await world.pool.query('SHOW BINARY LOG STATUS'))[0] as { File: string; Position: number }[];
      const end = { file: status!.File, position: status!.Position };
      expect(isBehind(end, (transaction as MysqlTransaction).begin)).toBe(true);
      expect(isBehind(placeOf(readPosition(reader.checkpoint!.position)!)!, end)).toBe(true);
      await expect.poll(() => chunk.isCoveredBy(reader.checkpoint!.position)).toBe(true);
    }
    await early.close();
  });

  it('is waited for before a snapshot begins that has been brought it', async () => {
    const { transaction } = await changeUnseen();
    const opening = openSnapshot().then((snapshot) =>
      snapshot.next(undefined, 10, signal).then((chunk) => ({ snapshot, chunk })),
    );
    expect(await Promise.race([opening, settled(50)])).toBe('still waiting');
    await release();
    const { snapshot, chunk } = await opening;
    expect(versionIn(chunk)).toEqual([2]);
    expect(chunk?.sees(transaction)).toBe(true);
    await snapshot.close();
  });
});

/** After so many turns of the event loop with I/O in each. */
async function settled(turns: number): Promise<'still waiting'> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  return 'still waiting';
}
