import { createHash } from 'node:crypto';
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

  /** Keeps the fields in place of those that the source had. */
  async save(source: SyncSource, fields: Readonly<Record<string, unknown>>): Promise<SyncSource> {
    const bytes = Buffer.from(JSON.stringify(fields));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { namespace = '', name, uid = '' } = source.metadata;
    const before = source.status?.discovered;
    const ref = `${BLOB_PREFIX}${uid}:${sha256.slice(0, 16)}`;
    // First what is named, then the name: a crash between the two leaves bytes that the cleanup finds.
    await this.#blobs.put(ref, `${BLOB_PREFIX}${uid}`, bytes);
    const discovered = { fields: countOf(fields), sha256, ref, time: new Date().toISOString() };
    const options = { subresource: 'status' } as const;
    const written = await this.#client.patch(syncSources, namespace, name, { status: { discovered } }, options);
    if (before !== undefined && before.ref !== ref && isOf(source, before.ref)) await this.#blobs.delete(before.ref);
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
    if (isOf(source, ref)) await this.#blobs.delete(ref);
  }

  /** The source has been deleted. */
  async remove(source: SyncSource): Promise<void> {
    const ref = source.status?.discovered?.ref ?? '';
    if (isOf(source, ref)) await this.#blobs.delete(ref);
  }
}

/** Whoever can write a status may name any blob: only the source's own is served. */
const isOf = ({ metadata }: SyncSource, ref: string): boolean => ref.startsWith(`${BLOB_PREFIX}${metadata.uid ?? ''}:`);

/** Whether the fields of the source are known, so that it may be enabled by REST. */
export const hasFields = ({ spec, status }: SyncSource): boolean =>
  status?.discovered !== undefined || FIXED[spec.driver] !== undefined;

/** Whether a blob of the store holds discovered fields; `status.discovered.ref` of a source names it. */
export const isFieldsBlob = (id: string): boolean => id.startsWith(BLOB_PREFIX);

function countOf({ properties }: Readonly<Record<string, unknown>>): number {
  return typeof properties === 'object' && properties !== null ? Object.keys(properties).length : 0;
}
