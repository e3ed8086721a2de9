import { isServerError } from '../session/server-error.ts';
import type { MysqlSession } from '../session/session.ts';
import { BinlogError } from './binlog-error.ts';
import type { BinlogPosition } from './binlog-position.ts';

/** Before MySQL 8.2, and of MariaDB; since 8.4 it is a syntax error. */
const OLD = 'SHOW MASTER STATUS';
const NEW = 'SHOW BINARY LOG STATUS';
const PARSE_ERROR = 1064;

/**
 * Where the log ends: whatever commits later stands behind it. Needs REPLICATION CLIENT. Rejects with the server's error,
 * or with `Unavailable` when there is no log.
 */
export async function currentPosition(session: MysqlSession): Promise<BinlogPosition> {
  const [row] = await ask(session);
  const file = row?.['File'] ?? '';
  if (file === '') throw new BinlogError('Unavailable', 'the server keeps no binary log');
  return { file, position: Number(row?.['Position']) };
}

async function ask(session: MysqlSession): Promise<readonly Record<string, string | null>[]> {
  if (session.flavour === 'mariadb') return session.rows(OLD);
  try {
    return await session.rows(NEW);
  } catch (err) {
    if (!isServerError(err) || err.errno !== PARSE_ERROR) throw err;
    return session.rows(OLD);
  }
}
