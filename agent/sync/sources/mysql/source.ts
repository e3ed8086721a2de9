import type { SnapshotReader } from '../../snapshot.ts';
import type { SnapshotStart, Source, SourceTools, StreamStart, WantedFields } from '../../source.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { asSourceError } from './failure.ts';
import { readServerFacts, requireRowLog } from './server-facts.ts';
import { ServerSession } from './server-session.ts';
import type { MysqlSettings } from './settings.ts';
import { MysqlSnapshotReader } from './snapshot/snapshot-reader.ts';
import { listTables } from './snapshot/table-list.ts';
import { untilVisible } from './snapshot/visibility.ts';
import { streamLog } from './stream.ts';

/** The tables of one server of MySQL or MariaDB. */
export class MysqlSource implements Source {
  readonly #settings: MysqlSettings;
  readonly #tools: SourceTools;
  readonly #closed = new AbortController();

  constructor(settings: MysqlSettings, tools: SourceTools) {
    this.#settings = settings;
    this.#tools = tools;
  }

  stream(start: StreamStart, wanted: WantedFields, signal: AbortSignal): AsyncIterable<readonly StreamEntry[]> {
    const { logger } = this.#tools;
    return streamLog(this.#settings, start, { wanted, signal: AbortSignal.any([signal, this.#closed.signal]), logger });
  }

  async openSnapshot({ wanted, after }: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader> {
    const settings = this.#settings;
    const sessions = new ServerSession(settings);
    const others = new ServerSession(settings);
    const give = (): void => {
      sessions.destroy();
      others.destroy();
    };
    signal.addEventListener('abort', give, { once: true });
    try {
      signal.throwIfAborted();
      const session = await sessions.get();
      const { tools, tables } = await sessions.inTime(async () => {
        const facts = await readServerFacts(session);
        requireRowLog(facts);
        const found = { settings, facts, sessions, others };
        await untilVisible(after, found, signal);
        return { tools: found, tables: await listTables(sessions, settings.filter) };
      });
      const closed = this.#closed.signal;
      closed.throwIfAborted();
      closed.addEventListener('abort', give, { once: true });
      return new MysqlSnapshotReader({
        tools,
        wanted,
        tables,
        onClose: () => closed.removeEventListener('abort', give),
      });
    } catch (err) {
      give();
      signal.throwIfAborted();
      throw asSourceError(err, settings);
    } finally {
      signal.removeEventListener('abort', give);
    }
  }

  close(): Promise<void> {
    this.#closed.abort();
    return Promise.resolve();
  }
}
