import { pino } from 'pino';
import type { Logger } from 'pino';
import type { LogShipper } from './log-shipper.ts';

/** As the original's log has them. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'DEBUG',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARNING',
  50: 'ERROR',
  60: 'CRITICAL',
};

const COMPONENT = 'fustor_agent';

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly component?: string;
  readonly err?: { readonly message?: string };
}

/**
 * A logger whose lines go to the agent's own log and to the shipper. `component` names who speaks, such as
 * `fustor_agent.sync.t1`: `GET /api/logs?component=` finds lines by its beginning.
 */
export function syncLogger(own: Logger, shipper: Pick<LogShipper, 'add'> | undefined): Logger {
  if (shipper === undefined) return own;
  const write = (text: string): void => {
    const { level, time, ...fields } = JSON.parse(text) as Line;
    const { msg = '', component = COMPONENT, err } = fields;
    own[own.levels.labels[level] as 'info'](fields);
    shipper.add({
      ts: new Date(time).toISOString(),
      level: LEVELS[level] ?? 'INFO',
      source: component,
      msg: err?.message === undefined ? msg : `${msg}: ${err.message}`,
    });
  };
  return pino({ level: own.level === 'silent' ? 'info' : own.level, base: null }, { write });
}
