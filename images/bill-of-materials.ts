import { createHash } from 'node:crypto';
import type { DebianArchive } from './debian-packages.ts';
import type { GoProgram } from './go-programs.ts';
import type { LayerParts } from './layer-folder.ts';
import type { NpmPackage } from './npm-packages.ts';

interface Component {
  readonly 'bom-ref': string;
  readonly type: 'application' | 'container' | 'library' | 'platform';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

/** A list of materials in the format CycloneDX 1.6. */
export interface BillOfMaterials {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.6';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export interface Subject {
  readonly image: string;
  readonly version: string;
  readonly nodeVersion: string;
}

/**
 * What an image is made of. It is made from what went in, not by `npm sbom`, which lists what the lock file could install
 * and gives @jsdevtools/ono another package's name. The same contents give the same list: it holds no time.
 */
export function billOfMaterials(parts: readonly LayerParts[], subject: Subject): BillOfMaterials {
  const npm = parts.flatMap((part) => part.npm);
  const others = parts.flatMap((part) => [
    ...part.debian.map(debianComponent),
    ...(part.node ? [plain('platform', 'node', subject.nodeVersion, `pkg:generic/node@${subject.nodeVersion}`)] : []),
    ...part.go.flatMap(goComponents),
  ]);
  const components = unique([...npm.map(npmComponent), ...others]);
  const container = plain('container', subject.image, subject.version, `pkg:oci/${subject.image}@${subject.version}`);
  const refs = new Map(npm.map((one) => [one.path, npmComponent(one)['bom-ref']]));
  const dependencies = new Map<string, Set<string>>();
  for (const { path, needs } of npm) {
    const ref = refs.get(path) ?? path;
    const dependsOn = dependencies.get(ref) ?? new Set();
    for (const need of needs) dependsOn.add(refs.get(need) ?? need);
    dependencies.set(ref, dependsOn);
  }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([container, components]))}`,
    version: 1,
    metadata: { component: container },
    components,
    dependencies: [...dependencies]
      .sort(byText(([ref]) => ref))
      .map(([ref, on]) => ({ ref, dependsOn: [...on].sort() })),
  };
}

function npmComponent({ name, version, integrity, license }: NpmPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const content = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  return {
    ...plain('library', name, version, purl),
    hashes: [{ alg: 'SHA-512', content }],
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
  };
}

function debianComponent({ name, version, architecture, distribution }: DebianArchive): Component {
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}&distro=${distribution}`;
  return plain('library', name, version, purl);
}

function goComponents({ name, version, modules }: GoProgram): Component[] {
  const program = plain('application', name, version, `pkg:generic/${name}@${version}`);
  return [
    program,
    ...modules.map((one) => plain('library', one.path, one.version, `pkg:golang/${one.path}@${one.version}`)),
  ];
}

function plain(type: Component['type'], name: string, version: string, purl: string): Component {
  return { 'bom-ref': purl, type, name, version, purl };
}

/** Sorted, each once: the same package may lie at several places. */
function unique(components: readonly Component[]): Component[] {
  const byRef = new Map(components.map((component) => [component['bom-ref'], component]));
  return [...byRef.values()].sort(byText((component) => component['bom-ref']));
}

function byText<T>(text: (value: T) => string): (a: T, b: T) => number {
  return (a, b) => (text(a) < text(b) ? -1 : 1);
}

/** A UUID (version 8, of the maker's own meaning) that the same contents always give. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
