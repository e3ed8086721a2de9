import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CORE_SCHEMA, FAILSAFE_SCHEMA, load } from 'js-yaml';
import { StartError } from '../start-error.ts';

export type Kind = 'sources' | 'pushers' | 'syncs';

/** A configuration of Fustor Agent, as the body that the REST API takes for a new one. */
export interface FoundConfig {
  readonly kind: Kind;
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether Fustor Agent runs it. */
  readonly isEnabled: boolean;
}

/** What Fustor Agent keeps in its folder (facts §1.12). */
export interface FustorHome {
  /** Sources and pushers before the syncs that name them. */
  readonly configs: readonly FoundConfig[];
  /** What is not taken over, and why; no secrets. */
  readonly warnings: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
const MAX_SCHEMA_BYTES = 16 * 1024 * 1024;

/** What it writes in place of a source that it could not read. */
const INVALID_DRIVER = 'invalid-config';

/** Members that are text whatever they look like: YAML takes `passwd: 1e3` for a number. */
const TEXTS: Readonly<Record<Kind, readonly string[]>> = {
  sources: ['driver', 'uri'],
  pushers: ['driver', 'endpoint'],
  syncs: ['source', 'pusher'],
};
const CREDENTIAL_TEXTS = ['user', 'passwd', 'key'];

/** What the REST API takes of each; later versions have members that mean nothing here. */
const MEMBERS: Readonly<Record<Kind, readonly string[]>> = {
  sources: ['max_queue_size', 'max_retries', 'retry_delay_sec', 'disabled', 'driver_params'],
  pushers: ['batch_size', 'max_retries', 'retry_delay_sec', 'disabled', 'driver_params'],
  syncs: ['disabled', 'fields_mapping'],
};

/** Reads `config.yaml` and the schema cache. Rejects with `StartError` when there is nothing to read. */
export async function readFustorHome(folder: string): Promise<FustorHome> {
  const path = join(folder, 'config.yaml');
  const text = await readBounded(path, MAX_CONFIG_BYTES).catch((err: unknown) => {
    throw new StartError(`${path} cannot be read: ${(err as Error).message}`, { cause: err });
  });
  const [values, texts] = [parse(path, text, CORE_SCHEMA), parse(path, text, FAILSAFE_SCHEMA)];
  const warnings: string[] = [];
  const configs: FoundConfig[] = [];
  for (const kind of ['sources', 'pushers', 'syncs'] as const)
    // Ids are text too, as they are written.
    for (const [id, written] of Object.entries(asObject(texts[kind]) ?? {})) {
      const text = asObject(written);
      const value = asObject(asObject(values[kind])?.[id]) ?? text;
      if (text === undefined || value === undefined) warnings.push(`${kind}/${id} is no configuration`);
      else if (text['driver'] === INVALID_DRIVER)
        warnings.push(`${kind}/${id} is one that Fustor Agent itself could not read`);
      else configs.push(await toFound(kind, id, value, text, folder, warnings));
    }
  return { configs, warnings };
}

async function toFound(
  kind: Kind,
  id: string,
  values: Json,
  texts: Json,
  folder: string,
  warnings: string[],
): Promise<FoundConfig> {
  const config: Record<string, unknown> = textsOf(TEXTS[kind], values, texts);
  for (const name of MEMBERS[kind]) if (name in values) config[name] = values[name];
  const known = [...TEXTS[kind], ...MEMBERS[kind], ...(kind === 'syncs' ? [] : ['credential'])];
  const others = Object.keys(values).filter((name) => !known.includes(name));
  if (others.length > 0) warnings.push(`${kind}/${id}: ${others.join(', ')} is not taken over`);
  if (kind !== 'syncs') {
    const credential = asObject(values['credential']);
    config['credential'] =
      credential === undefined ? null : textsOf(CREDENTIAL_TEXTS, credential, asObject(texts['credential']) ?? {});
  }
  const fields = kind === 'sources' ? await fieldsOf(id, folder, warnings) : undefined;
  return {
    kind,
    id,
    body: kind === 'syncs' ? config : { config, ...(fields && { discovered_fields: fields }) },
    // As it is there: disabled unless it says otherwise.
    isEnabled: /^(false|no|off)$/i.test(String(texts['disabled'])),
  };
}

function textsOf(names: readonly string[], values: Json, texts: Json): Record<string, unknown> {
  const found = names.filter((name) => values[name] !== undefined && values[name] !== null);
  return Object.fromEntries(found.map((name) => [name, typeof values[name] === 'string' ? values[name] : texts[name]]));
}

/** The fields that it discovered; of a cache that is not marked as valid, none. */
async function fieldsOf(id: string, folder: string, warnings: string[]): Promise<Json | undefined> {
  // It made names of files of ids, whatever they held.
  if (/[/\\\0]/.test(id)) return undefined;
  const path = join(folder, 'schemas', `source_${id}.schema.json`);
  if (!existsSync(path) || !existsSync(join(folder, 'schemas', `source_${id}.valid`))) return undefined;
  try {
    return asObject(JSON.parse(await readBounded(path, MAX_SCHEMA_BYTES)));
  } catch (err) {
    warnings.push(`sources/${id}: its discovered fields cannot be read: ${(err as Error).message}`);
    return undefined;
  }
}

async function readBounded(path: string, maxBytes: number): Promise<string> {
  const { size } = await stat(path);
  if (size > maxBytes) throw new Error(`it has ${size} bytes, more than the ${maxBytes} that are read`);
  return readFile(path, 'utf8');
}

function parse(path: string, text: string, schema: typeof FAILSAFE_SCHEMA): Json {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : load(text, { schema });
  } catch (err) {
    // Without the parser's excerpt, which may show a password.
    const { reason = 'it is not YAML', mark } = err as { reason?: string; mark?: { line?: number } };
    throw new StartError(`${path} cannot be read: ${reason} in line ${(mark?.line ?? 0) + 1}`);
  }
  const root = asObject(value);
  if (root === undefined) throw new StartError(`${path} holds no configuration: ${typeof value} instead of a map`);
  return root;
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
