import { existsSync, globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';

/** A package that is installed in the project. */
export interface NpmPackage {
  /** Where it lies, relative to the project, such as `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** What the lock file says that its archive hashes to, as `sha512-<base64>`. */
  readonly integrity: string;
  /** As SPDX writes it; undefined where its maker says none. */
  readonly license: string | undefined;
  /** Paths of the packages that it needs. */
  readonly needs: readonly string[];
}

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * The packages that compiled code imports, and those that these need, as the lock file has them and as far as they are
 * installed (optional ones of other systems are not). Throws when code imports what programs may not have, or when what is
 * installed is not what the lock file says.
 */
export function neededPackages(project: string, code: string, folders: readonly string[]): NpmPackage[] {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = new Map<string, NpmPackage>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    const locked = lock.packages[path];
    if (locked?.version === undefined) throw new Error(`${path} is not in package-lock.json`);
    if (locked.dev === true) throw new Error(`${path} is imported by a program, and is there for development only`);
    const { name, version } = JSON.parse(readFileSync(join(project, path, 'package.json'), 'utf8')) as NpmPackage;
    if (version !== locked.version)
      throw new Error(`${path} is ${version}, and package-lock.json says ${locked.version}: run npm ci`);
    if (locked.integrity === undefined) throw new Error(`${path} has no integrity in package-lock.json`);
    const needs: string[] = [];
    found.set(path, { path, name, version, integrity: locked.integrity, license: locked.license, needs });
    const wanted = { ...locked.peerDependencies, ...locked.dependencies, ...locked.optionalDependencies };
    // Types alone are of no use at run time.
    for (const dependency of Object.keys(wanted).filter((one) => !one.startsWith('@types/'))) {
      const place = placesFrom(path, dependency).find((one) => existsSync(join(project, one, 'package.json')));
      if (place !== undefined) needs.push(place);
      else if (locked.dependencies?.[dependency] !== undefined)
        throw new Error(`${path} needs ${dependency}, which is not installed: run npm ci`);
    }
    for (const place of needs) add(place);
  };
  for (const name of importedPackages(code, folders)) add(`node_modules/${name}`);
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Where a package looks for another: in its own folder, beside itself, and so on up. */
function placesFrom(path: string, name: string): string[] {
  const places: string[] = [];
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    places.push(`${folder}/node_modules/${name}`);
    if (!folder.includes('/node_modules/')) return [...places, `node_modules/${name}`];
  }
}

/** The names of the packages that the code of some folders imports, dynamically too. */
function importedPackages(code: string, folders: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const file of folders.flatMap((folder) => globSync(`${folder}/**/*.js`, { cwd: code }))) {
    for (const { fileName } of ts.preProcessFile(readFileSync(join(code, file), 'utf8'), true, true).importedFiles) {
      if (fileName.startsWith('.') || isBuiltin(fileName)) continue;
      const segments = fileName.startsWith('@') ? 2 : 1;
      names.add(fileName.split('/').slice(0, segments).join('/'));
    }
  }
  return names;
}
