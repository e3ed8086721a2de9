import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { SyncLogs } from '../../store/sync-logs.ts';

const LEVELS = [
  [500, 'ERROR'],
  [400, 'WARNING'],
] as const;

/**
 * Puts a line into `GET /api/logs` for each call that may have changed something, once it is answered. Only method, path and
 * status: bodies hold logins.
 */
export function logCalls(logs: Pick<SyncLogs, 'append'>, logger: Logger): RequestHandler {
  const sender = `api/${randomUUID()}`;
  let count = 0;
  return (req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD' || req.method === 'OPTIONS') return next();
    const [path = ''] = req.originalUrl.split('?');
    res.once('close', () => {
      const status = res.writableFinished ? res.statusCode : 499;
      const level = LEVELS.find(([from]) => status >= from)?.[1] ?? 'INFO';
      const component = /^\/api\/(\w+)/.exec(path)?.[1] ?? 'api';
      const msg = `${req.method} ${path.slice(0, 1000)} was answered with ${String(status)}`;
      count += 1;
      const line = { n: count, ts: new Date().toISOString(), level, source: `fustor_agent.api.${component}`, msg };
      logs
        .append(sender, [line])
        .catch((err: unknown) => logger.warn({ err }, 'a line for the log of syncs was not kept'));
    });
    next();
  };
}
