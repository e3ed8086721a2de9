import { execFile, execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BillOfMaterials } from './bill-of-materials.ts';
import { HELM_VERSION, IMAGES, KUBECTL_VERSION } from './contents.ts';
import { archiveLayer } from './layer-archive.ts';
import { imageConfig } from './oci-archive.ts';

/** kubectl and helm take minutes to build: the image with them is looked at where `make images` has been run. */
const hasTools = existsSync(join(homedir(), '.cache/tiangong/agent-tools/built-from'));
const names = ['tiangong-api', 'tiangong-operator', 'tiangong-agent', ...(hasTools ? ['tiangong-agent-tools'] : [])];
/** So that each image, compressed, is pulled in seconds. */
const MAX_BYTES = 120_000_000;
let folder: string;
const rootOf = (name: string): string => join(folder, name, 'root');

interface Unpacked {
  readonly config: { readonly config: unknown; readonly rootfs: { readonly diff_ids: readonly string[] } };
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}
const images = new Map<string, Unpacked>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'images-'));
  const project = join(import.meta.dirname, '..');
  const args = ['scripts/build-images.ts', '--output', folder, ...names];
  await promisify(execFile)(process.execPath, args, { cwd: project });
  for (const name of names) images.set(name, unpack(name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Unpacks an image as a container runtime does: by its index, its manifest, layer upon layer. */
function unpack(name: string): Unpacked {
  const layout = join(folder, name, 'layout');
  for (const path of [layout, rootOf(name)]) mkdirSync(path, { recursive: true });
  execFileSync('tar', ['-xf', join(folder, `${name}.tar`), '-C', layout]);
  const path = (digest: string): string => join(layout, 'blobs', digest.replace(':', '/'));
  const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;
  const index = read<{ manifests: { digest: string }[] }>(join(layout, 'index.json'));
  const manifest = read<{ config: { digest: string }; layers: Unpacked['layers'] }>(path(index.manifests[0]!.digest));
  for (const layer of manifest.layers) execFileSync('tar', ['-xzf', path(layer.digest), '-C', rootOf(name)]);
  return { config: read(path(manifest.config.digest)), layers: manifest.layers };
}

/** Runs a command in an image's root, as a user whom the kernel gives no rights outside of it. */
function runIn(name: string, ...command: string[]): string {
  const args = ['--user', '--map-root-user', 'chroot', rootOf(name), ...command];
  return execFileSync('unshare', args, { encoding: 'utf8', env: { PATH: '/usr/local/bin:/usr/bin:/usr/sbin:/bin' } });
}

function entries(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const below = join(path, entry.name);
    return entry.isDirectory() ? [below, ...entries(below)] : [below];
  });
}

describe.each(names)('the image %s', (name) => {
  it('runs its program', () => {
    const [program = ''] = imageConfigOf(name).Entrypoint.slice(-1);

    expect(runIn(name, 'node', program, '--help')).toContain(`Usage: ${name.replace('-tools', '')} `);
  });

  it('runs the Node.js that the lock file names', () => {
    expect(runIn(name, 'node', '--version').trim()).toBe(process.version);
  });

  it('is configured as its contents say', () => {
    expect(images.get(name)!.config.config).toEqual(imageConfigOf(name));
  });

  it('is small', () => {
    const bytes = images.get(name)!.layers.reduce((sum, { size }) => sum + size, 0);

    expect(bytes).toBeLessThan(MAX_BYTES);
  });

  it('lets nobody but root write anything, save below /tmp, and has no program that gives rights', () => {
    const writable = [];
    for (const path of entries(rootOf(name)).filter((one) => !lstatSync(one).isSymbolicLink())) {
      const { mode } = lstatSync(path);
      if ((mode & 0o022) !== 0 || (mode & 0o6000) !== 0) writable.push(path.slice(rootOf(name).length));
    }

    expect(writable).toEqual(['/tmp']);
  });

  it('holds neither tests, nor sources, nor what only developers need', () => {
    const needless = entries(join(rootOf(name), 'app'))
      .map((path) => path.slice(rootOf(name).length))
      .filter((path) => /\.test\.|\.map$|\.ts$|^\/app\/(?!node_modules\/).*\/(testing|conformance)\//.test(path))
      .concat(
        readdirSync(join(rootOf(name), 'app/node_modules')).filter((one) => /^(typescript|vitest|eslint)$/.test(one)),
      );

    expect(needless).toEqual([]);
  });

  it('lists every package that is in it, with its version', () => {
    const file = join(rootOf(name), `usr/share/sbom/${name}.cdx.json`);
    const { components } = JSON.parse(readFileSync(file, 'utf8')) as BillOfMaterials;
    const listed = new Set(components.map((one) => `${one.name} ${one.version}`));
    const installed = entries(join(rootOf(name), 'app/node_modules'))
      .filter((path) => /\/node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
      .map((path) => JSON.parse(readFileSync(path, 'utf8')) as { name: string; version: string });

    expect(installed.length).toBeGreaterThan(20);
    expect(installed.map((one) => `${one.name} ${one.version}`).filter((one) => !listed.has(one))).toEqual([]);
    for (const debian of readdirSync(join(rootOf(name), 'var/lib/dpkg/status.d')))
      expect(components.some((one) => one.name === debian && one.purl.startsWith('pkg:deb/'))).toBe(true);
  });

  it('is the same to the byte when it is packed anew', async () => {
    const top = join(folder, name, 'again');
    mkdirSync(join(top, 'usr/share/sbom'), { recursive: true });
    const sbom = readFileSync(join(folder, `${name}.cdx.json`));
    execFileSync('cp', [join(folder, `${name}.cdx.json`), join(top, 'usr/share/sbom')]);
    const archive = await archiveLayer(top, join(folder, 'cache'));

    expect(sbom.length).toBeGreaterThan(1000);
    expect(archive.diffId).toBe(images.get(name)!.config.rootfs.diff_ids.at(-1));
  });
});

it('gives agents a shell, the tools of busybox and time zones', () => {
  const script = 'echo one two | cut -d" " -f2; TZ=Asia/Shanghai date +%Z; nsenter --help 2>&1 | head -1';

  expect(runIn('tiangong-agent', '/bin/sh', '-c', script)).toMatch(/^two\nCST\nBusyBox/);
});

it.skipIf(!hasTools)('gives agents with tools kubectl and helm, and lists what is compiled into them', () => {
  const name = 'tiangong-agent-tools';
  const file = join(rootOf(name), `usr/share/sbom/${name}.cdx.json`);
  const { components } = JSON.parse(readFileSync(file, 'utf8')) as BillOfMaterials;

  expect(runIn(name, 'kubectl', 'version', '--client')).toContain(`Client Version: v${KUBECTL_VERSION}`);
  expect(runIn(name, 'helm', 'version', '--short')).toContain(`v${HELM_VERSION}`);
  expect(components.filter((one) => one.purl.startsWith('pkg:golang/')).length).toBeGreaterThan(100);
});

it('gives api and operator no shell', () => {
  for (const name of ['tiangong-api', 'tiangong-operator'])
    expect(entries(rootOf(name)).filter((path) => /\/(sh|bash|busybox)$/.test(path))).toEqual([]);
});

function imageConfigOf(name: string): { Entrypoint: string[] } {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string;
  };
  return imageConfig(
    IMAGES.find((image) => image.name === name)!,
    version,
  ) as { Entrypoint: string[] };
}
