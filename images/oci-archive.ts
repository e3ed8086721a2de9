import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from './contents.ts';
import { USER_ID } from './contents.ts';
import { REPRODUCIBLE } from './layer-archive.ts';
import type { LayerArchive } from './layer-archive.ts';
import { settleModes } from './settle-modes.ts';

export interface ArchiveOptions {
  /** The image's whole name, such as `localhost/tiangong-api:0.1.0`. */
  readonly reference: string;
  readonly version: string;
  /** As OCI names it: `amd64` or `arm64`. */
  readonly architecture: string;
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

const MEDIA = 'application/vnd.oci.image';

/**
 * Writes an image as an archive in the OCI image layout (image-spec 1.1), which `ctr images import` and `skopeo` take.
 * Returns the manifest's digest.
 */
export function writeArchive(
  image: Image,
  layers: readonly LayerArchive[],
  file: string,
  options: ArchiveOptions,
): string {
  const folder = `${file}.layout`;
  const blobs = join(folder, 'blobs', 'sha256');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  const blob = (value: unknown): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(blobs, hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  for (const layer of layers) copyFileSync(layer.file, join(blobs, layer.digest.slice('sha256:'.length)));

  const platform = { architecture: options.architecture, os: 'linux' };
  const config = blob({
    ...platform,
    config: imageConfig(image, options.version),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map((_, index) => ({ created_by: `tiangong images: ${image.layers[index] ?? 'sbom'}` })),
  });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config: { mediaType: `${MEDIA}.config.v1+json`, ...config },
    layers: layers.map(({ digest, bytes }) => ({ mediaType: `${MEDIA}.layer.v1.tar+gzip`, digest, size: bytes })),
  });
  const annotations = {
    'io.containerd.image.name': options.reference,
    'org.opencontainers.image.ref.name': options.reference.slice(options.reference.lastIndexOf(':') + 1),
  };
  const index = {
    schemaVersion: 2,
    mediaType: `${MEDIA}.index.v1+json`,
    manifests: [{ mediaType: `${MEDIA}.manifest.v1+json`, ...manifest, platform, annotations }],
  };
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
  settleModes(folder);
  execFileSync('tar', [...REPRODUCIBLE, '-C', folder, '-cf', `${file}.new`, 'oci-layout', 'index.json', 'blobs']);
  renameSync(`${file}.new`, file);
  rmSync(folder, { recursive: true, force: true });
  return manifest.digest;
}

/** What a container of the image begins with. */
export function imageConfig(image: Image, version: string): Readonly<Record<string, unknown>> {
  return {
    User: `${USER_ID}:${USER_ID}`,
    Env: Object.entries(image.env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: image.entrypoint,
    WorkingDir: '/app',
    Labels: {
      'org.opencontainers.image.title': image.name,
      'org.opencontainers.image.description': image.description,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': 'Apache-2.0',
    },
  };
}
