/** Which server reads a statement. */
export interface ServerVersion {
  readonly mariadb: boolean;
  /** As in executable comments: 8.0.36 is 80036. */
  readonly number: number;
}

/** Versions that MariaDB leaves to MySQL: it has none of them itself. */
const ONLY_MYSQL = { from: 50_700, to: 99_999 };
/** Marks a line of a dump that no server shall execute. */
const NEVER = 999_999;

/** The version in a server's own text, `8.0.36-debian` or `5.5.5-10.11.6-MariaDB`; undefined: it says none. */
export function serverVersion(text: string, mariadb: boolean): ServerVersion | undefined {
  // Servers of MariaDB put 5.5.5- before it for old replicas.
  const found = /^(?:5\.5\.5-(?=\d))?(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (found === null) return undefined;
  return { mariadb, number: Number(found[1]) * 10_000 + Number(found[2]) * 100 + Number(found[3]) };
}

/**
 * Whether a server executes a comment that begins with `open`: `/*!`, `/*!80000`, `/*M!100100`. One that is not known
 * is taken for one that executes whatever any server would.
 */
export function executesComment(open: string, server: ServerVersion | undefined): boolean {
  const digits = /\d+$/.exec(open)?.[0];
  const version = digits === undefined ? 0 : Number(digits);
  const ofMariadb = open.startsWith('/*M');
  if (server === undefined) return version < NEVER;
  if (!server.mariadb) return !ofMariadb && version <= server.number;
  const reserved = !ofMariadb && version >= ONLY_MYSQL.from && version <= ONLY_MYSQL.to;
  return version <= server.number && !reserved;
}
