import { StartError } from '../start-error.ts';
import { readFustorHome } from './fustor-home.ts';
import type { FoundConfig } from './fustor-home.ts';

export interface ImportOptions {
  /** The folder of Fustor Agent, mostly `~/.fustor`. */
  readonly folder: string;
  /** The REST API of Tiangong. */
  readonly url: string;
  /** Only tells what would be done. */
  readonly dryRun: boolean;
  /** Starts the syncs that are enabled, as Fustor Agent does when it starts. */
  readonly start: boolean;
  /** Writes to the person at the terminal. */
  readonly print: (text: string) => void;
}

type Result = 'added' | 'there' | 'failed';

const TIMEOUT_MS = 60_000;

/**
 * Takes over what Fustor Agent has configured, by REST. What is there already is left as it is, so that it can be run again.
 * Resolves whether everything is there now. Rejects with `StartError` when there is nothing to read, or no API.
 */
export async function importFustor(options: ImportOptions): Promise<boolean> {
  const { print, dryRun } = options;
  const { configs, warnings } = await readFustorHome(options.folder);
  for (const warning of warnings) print(`  !  ${warning}\n`);
  if (dryRun) {
    for (const config of configs) print(`  +  ${nameOf(config)}${config.isEnabled ? '' : ' (disabled)'}\n`);
    return true;
  }
  const results: Result[] = [];
  const startable: string[] = [];
  for (const config of configs) {
    const result = await add(config, options);
    results.push(result);
    if (result !== 'failed' && config.kind === 'syncs' && config.isEnabled) startable.push(config.id);
  }
  const count = (wanted: Result): number => results.filter((result) => result === wanted).length;
  print(`${count('added')} added, ${count('there')} there before, ${count('failed')} failed.\n`);
  const started = options.start ? await startAll(startable, options) : true;
  if (!options.start && startable.length > 0)
    print(
      `To start what is enabled (${startable.join(', ')}), stop Fustor Agent and run this again with --start. Consumers know a sync by another task id here, so each sends a snapshot first.\n`,
    );
  return count('failed') === 0 && started;
}

async function add(config: FoundConfig, { url, print }: ImportOptions): Promise<Result> {
  const { status, body } = await post(url, `/api/configs/${config.kind}/${encodeURIComponent(config.id)}`, config.body);
  if (status === 201) {
    print(`  +  ${nameOf(config)}\n`);
    return 'added';
  }
  const isThere = body.code === 'ConfigExists';
  print(isThere ? `  =  ${nameOf(config)} is there\n` : `  x  ${nameOf(config)}: ${explain(status, body)}\n`);
  return isThere ? 'there' : 'failed';
}

async function startAll(ids: readonly string[], { url, print }: ImportOptions): Promise<boolean> {
  let all = true;
  for (const id of ids) {
    const { status, body } = await post(url, `/api/instances/syncs/${encodeURIComponent(id)}/_actions/start`);
    print(status === 202 ? `  >  syncs/${id} is started\n` : `  x  syncs/${id}: ${explain(status, body)}\n`);
    all &&= status === 202;
  }
  return all;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly detail?: unknown; readonly code?: string };
}

async function post(url: string, path: string, body?: object): Promise<Answer> {
  try {
    const response = await fetch(new URL(path, url), {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  } catch (err) {
    const { cause, message } = err as Error;
    throw new StartError(
      `the REST API at ${url} cannot be reached: ${cause instanceof Error ? cause.message : message}; start it with tiangong up, or name another with --url`,
      { cause: err },
    );
  }
}

function parse(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The API's own words: it leaves secrets out of them. */
function explain(status: number, { detail }: Answer['body']): string {
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return `the answer was ${status}`;
  return (detail as { loc?: unknown[]; msg?: string }[])
    .map(({ loc = [], msg = '' }) => `${loc.slice(1).join('.')}: ${msg}`)
    .join('; ');
}

const nameOf = ({ kind, id }: FoundConfig): string => `${kind}/${id}`;
