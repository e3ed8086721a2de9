/**
 * What both sides of ClickHouse's native protocol agree on (clickhouse.com/docs/native-protocol). Numbers are packet
 * types; what follows them depends on the revision, the lower one of the client's and the server's.
 */
export const ClientPacket = { Hello: 0, Query: 1, Data: 2, Cancel: 3, Ping: 4 } as const;

export const ServerPacket = {
  Hello: 0,
  Data: 1,
  Exception: 2,
  Progress: 3,
  Pong: 4,
  EndOfStream: 5,
  ProfileInfo: 6,
  Totals: 7,
  Extremes: 8,
} as const;

/** The oldest revision that this client speaks: from here on the server tells its time zone. */
export const MIN_REVISION = 54_058;
/** From here on the client tells a quota key. */
export const QUOTA_KEY_REVISION = 54_060;
/**
 * The newest one, and what a connection asks for: from here on types keep their time zone, `DateTime('Asia/Tokyo')`,
 * without which a date and time would be written and shown as another moment than meant. Later ones bring
 * LowCardinality (which servers turn into the plain type for older clients) and nothing that this client needs.
 */
export const MAX_REVISION = 54_337;

/** One packet may take this much; a server's blocks are about 1 MiB (`preferred_block_size_bytes`), a few far more. */
export const MAX_PACKET_BYTES = 256 * 1024 * 1024;
/** Rows of a block, also those within its arrays. */
export const MAX_BLOCK_ROWS = 1 << 24;
export const MAX_BLOCK_COLUMNS = 10_000;
/** Names, types and messages: all text that is no value. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** An exception may have a cause, which may have one as well. */
export const MAX_NESTED_EXCEPTIONS = 32;
