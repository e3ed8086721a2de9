import { createHash, randomBytes } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { syncSources } from '../../kube/resource.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { Blobs } from '../../store/blobs.ts';

/** Fields as JSON Schema, by name. */
export interface DiscoveredFields {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [keyword: string]: unknown;
}

const BLOB_PREFIX = 'fields:';

/** What is known of a driver without asking anybody, so that nobody need discover it. */
const FIXED: Readonly<Record<string, DiscoveredFields>> = {
  fs: {
    properties: {
      file_path: { type: 'string', column_index: 0 },
      size: { type: 'integer', column_index: 1 },
      modified_time: { type: 'number', column_index: 2 },
      created_time: { type: 'number', column_index: 3 },
    },
  },
};

/** The fields of sources that were discovered: in the store, since there may be tens of thousands; the status names them. */
export class FieldStore {
  readonly #client: KubeClient;
  readonly #blobs: Blobs;

  constructor(client: KubeClient, blobs: Blobs) {
    this.#client = client;
    this.#blobs = blobs;
  }

  /** Keeps the fields in place of those that the source had. `source`: as it was when it was asked for them. */
  async save(source: SyncSource, fields: Readonly<Record<string, unknown>>): Promise<SyncSource> {
    const bytes = Buffer.from(JSON.stringify(fields));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { namespace = '', name, uid = '' } = source.metadata;
    const before = source.status?.discovered;
    // Of each time its own: whoever replaces an older one removes no newer one that is the same.
    const ref = `${prefixOf(source)}${randomBytes(8).toString('hex')}`;
    // First what is named, then the name: a crash between the two leaves bytes that the cleanup finds.
    await this.#blobs.put(ref, `${BLOB_PREFIX}${uid}`, bytes);
    const discovered = { fields: countOf(fields), sha256, ref, time: new Date().toISOString() };
    const options = { subresource: 'status' } as const;
    const written = await this.#client.patch(syncSources, namespace, name, { status: { discovered } }, options);
    if (before !== undefined && isOwnBlob(source, before.ref)) await this.#blobs.delete(before.ref);
    return written;
  }

  /** Undefined when they were never discovered, or the store has lost them. */
  async read(source: SyncSource): Promise<DiscoveredFields | undefined> {
    const ref = source.status?.discovered?.ref ?? '';
    if (!isOf(source, ref) || (await this.#blobs.stat(ref)) === undefined) return FIXED[source.spec.driver];
    const parts: Uint8Array[] = [];
    for await (const part of this.#blobs.read(ref)) parts.push(part);
    const fields = JSON.parse(Buffer.concat(parts).toString()) as Partial<DiscoveredFields>;
    return { ...fields, properties: fields.properties ?? {} };
  }

  /** The source is another one now. */
  async forget(source: SyncSource): Promise<void> {
    const ref = source.status?.discovered?.ref;
    if (ref === undefined) return;
    const { namespace = '', name } = source.metadata;
    await this.#client.patch(syncSources, namespace, name, { status: { discovered: null } }, { subresource: 'status' });
    if (isOwnBlob(source, ref)) await this.#blobs.delete(ref);
  }

  /** The source has been deleted. */
  async remove(source: SyncSource): Promise<void> {
    const ref = source.status?.discovered?.ref ?? '';
    if (isOwnBlob(source, ref)) await this.#blobs.delete(ref);
  }
}

/** Whoever can write a status may name any blob: only the source's own is served or removed. */
const isOwnBlob = ({ metadata }: SyncSource, ref: string): boolean =>
  ref.startsWith(`${BLOB_PREFIX}${metadata.uid ?? ''}:`);

/** With what the fields were asked of: a source whose address was changed since, by whomever, has other ones. */
function prefixOf({ metadata, spec: { driver, uri } }: SyncSource): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([driver, uri]))
    .digest('hex');
  return `${BLOB_PREFIX}${metadata.uid ?? ''}:${digest.slice(0, 16)}:`;
}

const isOf = (source: SyncSource, ref: string): boolean => ref.startsWith(prefixOf(source));

/** Whether the fields of the source are known, so that it may be enabled by REST. */
export const hasFields = (source: SyncSource): boolean =>
  isOf(source, source.status?.discovered?.ref ?? '') || FIXED[source.spec.driver] !== undefined;

/** Whether a blob of the store holds discovered fields; `status.discovered.ref` of a source names it. */
export const isFieldsBlob = (id: string): boolean => id.startsWith(BLOB_PREFIX);

function countOf({ properties }: Readonly<Record<string, unknown>>): number {
  return typeof properties === 'object' && properties !== null ? Object.keys(properties).length : 0;
}
