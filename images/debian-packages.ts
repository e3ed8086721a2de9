import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

/** A package as it was downloaded. */
export interface DebianArchive {
  readonly file: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The release that it was made for, such as `debian-12`. */
  readonly distribution: string;
  /** The package's own description, as dpkg keeps it of what is installed. */
  readonly control: string;
}

/**
 * Downloads the newest of each package from the archives that this machine's apt knows. Nothing is installed, and no
 * rights are needed: when apt's lists are missing or old, new ones are fetched into `folder`.
 */
export function downloadPackages(names: readonly string[], folder: string): DebianArchive[] {
  const archives = join(folder, 'archives');
  mkdirSync(archives, { recursive: true });
  try {
    download(names, archives, []);
  } catch {
    const lists = join(folder, 'lists');
    mkdirSync(join(lists, 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${join(folder, 'cache')}`];
    mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
    execFileSync('apt-get', [...own, 'update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] });
    download(names, archives, own);
  }
  const found = globSync(join(archives, '*.deb')).map(describe);
  return names.map((name) => {
    const archive = found.find((one) => one.name === name);
    if (archive === undefined) throw new Error(`apt-get did not download the package ${name}`);
    return archive;
  });
}

/** Unpacks a package's files below `folder`; none of its scripts is run. */
export function unpackPackage(archive: DebianArchive, folder: string): void {
  execFileSync('dpkg-deb', ['--extract', archive.file, folder]);
}

function download(names: readonly string[], folder: string, options: readonly string[]): void {
  // Without a sandbox user, who may not write here; apt checks the signatures all the same.
  const args = [...options, '-o', 'APT::Sandbox::User=root', '-qq', 'download', ...names];
  execFileSync('apt-get', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

function describe(file: string): DebianArchive {
  const control = execFileSync('dpkg-deb', ['--field', file], { encoding: 'utf8' });
  const release = parseEnv(readFileSync('/etc/os-release', 'utf8'));
  const distribution = `${release['ID']}-${release['VERSION_ID']}`;
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(control)?.[1] ?? '';
  const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
  return { file, name, version, architecture, distribution, control };
}
