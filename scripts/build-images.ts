/**
 * Builds the container images without Docker, as OCI archives dist/images/<name>.tar, each with its list of materials beside
 * it. Names may follow: only these are built. `--folders FOLDER` leaves layers as folders instead, for the Dockerfile.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { billOfMaterials } from '../images/bill-of-materials.ts';
import { IMAGES, LAYERS } from '../images/contents.ts';
import { archiveLayer, tidyLayerCache } from '../images/layer-archive.ts';
import type { LayerArchive } from '../images/layer-archive.ts';
import { fillLayer } from '../images/layer-folder.ts';
import type { LayerParts, LayerSources } from '../images/layer-folder.ts';
import { writeArchive } from '../images/oci-archive.ts';
import { settleModes } from '../images/settle-modes.ts';

const project = join(import.meta.dirname, '..');
const { version, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Readonly<Record<string, string>>;
};
// It goes into the images.
const nodeVersion = process.versions.node;
if (nodeVersion !== devDependencies['node'])
  throw new Error(`this is Node.js ${nodeVersion}, not ${devDependencies['node']}: run it by \`npm run images\``);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefix: { type: 'string', default: 'localhost' },
    tag: { type: 'string', default: version },
    tools: { type: 'string', default: join(homedir(), '.cache/tiangong/agent-tools') },
    folders: { type: 'string' },
    output: { type: 'string', default: join(project, 'dist/images') },
  },
});
for (const name of positionals)
  if (!IMAGES.some((image) => image.name === name))
    throw new Error(`there is no image ${name}, only ${IMAGES.map((image) => image.name).join(', ')}`);
const images = IMAGES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const names = [...new Set(images.flatMap(({ layers }) => layers))];

const work = mkdtempSync(join(tmpdir(), 'tiangong-images-'));
try {
  const sources: LayerSources = { project, code: join(work, 'code'), tools: values.tools, work };
  const run = (file: string, ...args: string[]): Buffer => execFileSync(file, args, { cwd: project, stdio: 'inherit' });
  run(process.execPath, 'scripts/build.ts', sources.code);
  if (names.includes('tools') && values.folders === undefined) run('sh', 'images/build-tools.sh', sources.tools);

  const layerFolder = (name: string): string => join(values.folders ?? join(work, 'layers'), name);
  const parts = new Map<string, LayerParts>();
  for (const name of names) parts.set(name, fillLayer(LAYERS[name], layerFolder(name), sources));
  for (const { name, layers } of images) {
    const held = layers.map((layer) => parts.get(layer)).filter((part) => part !== undefined);
    const materials = billOfMaterials(held, { image: name, version, nodeVersion });
    const folder = join(layerFolder(`sbom-${name}`), 'usr/share/sbom');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.cdx.json`), `${JSON.stringify(materials, null, 2)}\n`);
    settleModes(layerFolder(`sbom-${name}`));
  }

  if (values.folders === undefined) {
    mkdirSync(values.output, { recursive: true });
    const cache = join(homedir(), '.cache/tiangong/layers');
    const archives = new Map<string, Promise<LayerArchive>>();
    const archive = (name: string): Promise<LayerArchive> => {
      const known = archives.get(name) ?? archiveLayer(layerFolder(name), cache);
      archives.set(name, known);
      return known;
    };
    for (const image of images) {
      const layers: LayerArchive[] = [];
      for (const name of [...image.layers, `sbom-${image.name}`]) layers.push(await archive(name));
      const reference = `${values.prefix}/${image.name}:${values.tag}`;
      const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
      const file = join(values.output, `${image.name}.tar`);
      const digest = writeArchive(image, layers, file, { reference, version, architecture });
      cpSync(
        join(layerFolder(`sbom-${image.name}`), 'usr/share/sbom', `${image.name}.cdx.json`),
        join(values.output, `${image.name}.cdx.json`),
      );
      const bytes = layers.reduce((sum, layer) => sum + layer.bytes, 0);
      console.log(`${reference} ${digest} ${(bytes / 1e6).toFixed(1)} MB`);
    }
    tidyLayerCache(cache);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
