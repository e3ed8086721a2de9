import { Router } from 'express';
import type { SyncLogs } from '../../store/sync-logs.ts';
import { problem } from '../configs/body-check.ts';
import type { Problem } from '../configs/body-check.ts';
import { validationFailed } from '../configs/config-body.ts';
import { methodNotAllowed } from '../method-not-allowed.ts';
import { sendJson } from '../send.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** `GET /api/logs`: lines about syncs of all agents and of the API, newest first (manual §4, facts §1.11). */
export function logRoutes(logs: Pick<SyncLogs, 'list'>): Router {
  const router = Router();
  router
    .route('/')
    .get((req, res) => {
      const problems: Problem[] = [];
      const query = req.query as Readonly<Record<string, unknown>>;
      const limit = wholeNumber(query, 'limit', MAX_LIMIT, problems) ?? DEFAULT_LIMIT;
      const beforeLine = wholeNumber(query, 'before_line', Number.MAX_SAFE_INTEGER, problems);
      if (problems.length > 0) throw validationFailed(problems);
      const level = textOf(query, 'level')?.toUpperCase();
      const lines = logs.list({ limit, beforeLine, level, component: textOf(query, 'component') });
      sendJson(
        res,
        200,
        lines.map(({ lineNumber, ts, level: shown, source, msg }) => ({
          ...{ ts, level: shown, source, msg, line_number: lineNumber },
        })),
      );
    })
    .all(methodNotAllowed('GET'));
  return router;
}

type Query = Readonly<Record<string, unknown>>;

function textOf(query: Query, name: string): string | undefined {
  const value = query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** From 1 on; what is wrong with it is said as FastAPI says it. */
function wholeNumber(query: Query, name: string, max: number, problems: Problem[]): number | undefined {
  const value = textOf(query, name);
  if (value === undefined) return undefined;
  const loc = ['query', name];
  const number = /^\s*[+-]?\d{1,16}\s*$/.test(value) ? Number(value) : NaN;
  if (Number.isNaN(number)) {
    const msg = 'Input should be a valid integer, unable to parse string as an integer';
    problems.push(problem('int_parsing', msg, loc, value));
  } else if (number < 1) {
    problems.push({
      ...problem('greater_than_equal', 'Input should be greater than or equal to 1', loc, value),
      ctx: { ge: 1 },
    });
  } else if (number > max) {
    const msg = `Input should be less than or equal to ${String(max)}`;
    problems.push({ ...problem('less_than_equal', msg, loc, value), ctx: { le: max } });
  }
  return number;
}
