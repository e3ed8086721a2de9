import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { USER_ID } from './contents.ts';
import type { DebianPackage, Layer, Program } from './contents.ts';
import { downloadPackages, unpackPackage } from './debian-packages.ts';
import type { DebianArchive } from './debian-packages.ts';
import { goPrograms } from './go-programs.ts';
import type { GoProgram } from './go-programs.ts';
import { settleModes } from './settle-modes.ts';
import { neededPackages } from './npm-packages.ts';
import type { NpmPackage } from './npm-packages.ts';

/** Where the parts of a layer come from. */
export interface LayerSources {
  /** The project, with node_modules as `npm ci` makes it. */
  readonly project: string;
  /** The compiled programs. */
  readonly code: string;
  /** kubectl and helm, as build-tools.sh leaves them. */
  readonly tools: string;
  /** For what is needed on the way only. */
  readonly work: string;
}

/** What went into a layer, for the list of materials. */
export interface LayerParts {
  readonly debian: readonly DebianArchive[];
  readonly npm: readonly NpmPackage[];
  readonly node: boolean;
  readonly go: readonly GoProgram[];
}

/** Documentation and what only compilers and debuggers read. Copyright notices stay. */
const NEEDLESS =
  /^usr\/share\/(man|locale|lintian|gdb|gcc|info|bash-completion)\/|^(usr\/)?lib\/[^/]+\/(gconv|audit)\/|^usr\/share\/doc\/.*\/(?!copyright$)[^/]*$/;
/** Of npm packages: types, maps from code to source, words for readers, tests. Licences stay. */
const NEEDLESS_IN_PACKAGE =
  /\.[cm]?tsx?$|\.map$|\.tsbuildinfo$|\.test\.[cm]?js$|(?<!license|licence|notice)\.(md|markdown)$|^\/(tests?|__tests__|bench|benchmarks?|examples?|\.github|node_modules)(\/|$)/i;
/** Of our own code. */
const NEEDLESS_IN_PROGRAM = /\.map$|(^|\/)(testing|conformance)(\/|$)/;

/** Makes the folder tree of a layer. */
export function fillLayer(layer: Layer, folder: string, sources: LayerSources): LayerParts {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const debian = addDebianPackages(layer.packages ?? [], folder, sources.work);
  if (layer.accounts === true) addAccounts(folder);
  if (layer.node === true) addFile(process.execPath, folder, 'usr/local/bin/node');
  if (layer.busybox === true) addApplets(folder);
  const npm = layer.program === undefined ? [] : addProgram(layer.program, folder, sources);
  const go = layer.tools === true ? goPrograms(sources.tools) : [];
  for (const { name } of go) addFile(join(sources.tools, name), folder, `usr/local/bin/${name}`);
  for (const path of layer.mountPoints ?? []) mkdirSync(join(folder, path), { recursive: true });
  settleModes(folder);
  if (layer.accounts === true) chmodSync(join(folder, 'tmp'), 0o1777);
  return { debian, npm, node: layer.node === true, go };
}

function addDebianPackages(wanted: readonly DebianPackage[], folder: string, work: string): DebianArchive[] {
  if (wanted.length === 0) return [];
  const archives = downloadPackages(
    wanted.map(({ name }) => name),
    join(work, 'apt'),
  );
  for (const [index, archive] of archives.entries()) {
    const unpacked = join(work, 'unpacked');
    rmSync(unpacked, { recursive: true, force: true });
    unpackPackage(archive, unpacked);
    const keep = wanted[index]?.keep;
    for (const path of filesBelow(unpacked)) {
      const asked = keep?.some((one) => (one.endsWith('/') ? path.startsWith(one) : path === one)) ?? true;
      const kept = asked || path.endsWith('/copyright');
      if (kept && !NEEDLESS.test(path)) copyEntry(join(unpacked, path), join(folder, path));
    }
    // Scanners look for what is installed here, since there is no dpkg (the custom of images without a distribution).
    const status = join(folder, 'var/lib/dpkg/status.d', archive.name);
    mkdirSync(dirname(status), { recursive: true });
    writeFileSync(status, archive.control);
  }
  addCertificates(folder);
  return archives;
}

/** One file of all certificates, as update-ca-certificates makes it. */
function addCertificates(folder: string): void {
  const certificates = globSync('usr/share/ca-certificates/mozilla/*.crt', { cwd: folder }).sort();
  if (certificates.length === 0) return;
  const target = join(folder, 'etc/ssl/certs/ca-certificates.crt');
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, certificates.map((path) => readFileSync(join(folder, path), 'utf8').trimEnd() + '\n').join(''));
}

function addAccounts(folder: string): void {
  for (const path of ['etc', 'tmp', 'proc', 'sys', 'dev', 'run', 'root', 'var/lib'])
    mkdirSync(join(folder, path), { recursive: true });
  const accounts = `root:x:0:0:root:/root:/bin/sh\ntiangong:x:${USER_ID}:${USER_ID}:Tiangong:/tmp:/bin/sh\n`;
  writeFileSync(join(folder, 'etc/passwd'), accounts);
  writeFileSync(join(folder, 'etc/group'), `root:x:0:\ntiangong:x:${USER_ID}:\n`);
  writeFileSync(join(folder, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  symlinkSync('../usr/lib/os-release', join(folder, 'etc/os-release'));
}

function addApplets(folder: string): void {
  const applets = execFileSync(join(folder, 'bin/busybox'), ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of applets.filter((one) => one !== 'busybox')) symlinkSync('busybox', join(folder, 'bin', name));
}

function addProgram({ folders }: Program, folder: string, { project, code }: LayerSources): NpmPackage[] {
  const app = join(folder, 'app');
  for (const name of folders)
    cpSync(join(code, name), join(app, name), {
      recursive: true,
      filter: (path) => !NEEDLESS_IN_PROGRAM.test(path.slice(code.length)),
    });
  for (const name of ['package.json', 'LICENSE']) cpSync(join(code, name), join(app, name));
  const packages = neededPackages(project, app, folders);
  for (const { path } of packages)
    cpSync(join(project, path), join(app, path), {
      recursive: true,
      // Packages within a package are in the list by themselves.
      filter: (source) => !NEEDLESS_IN_PACKAGE.test(source.slice(join(project, path).length)),
    });
  return packages;
}

function addFile(source: string, folder: string, path: string): void {
  if (!existsSync(source)) throw new Error(`${source} is missing`);
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  cpSync(source, join(folder, path));
}

/** Copies a file or a link as it is. */
function copyEntry(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  if (lstatSync(source).isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else cpSync(source, target);
}

/** Everything below a folder but folders; links are not followed (readdir's own recursion does). */
function filesBelow(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = join(prefix, entry.name);
    return entry.isDirectory() ? filesBelow(folder, path) : [path];
  });
}
