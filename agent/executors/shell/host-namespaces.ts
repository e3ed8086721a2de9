import { access, constants, lstat, readlink, stat } from 'node:fs/promises';
import { delimiter, dirname, join, normalize } from 'node:path';

/** Commands cannot be run on the host: how the agent was started does not let it. */
class HostUnreachable extends Error {
  override readonly name = 'HostUnreachable';
}

/** What is started instead of a command's own shell. */
export interface HostProgram {
  readonly file: string;
  readonly args: readonly string[];
}

/** Linux itself follows no more links than these in one path. */
const MAX_LINKS = 40;
/** Goes to the folder, then becomes the shell: the process stays the one that the agent started. */
const IN_FOLDER = 'cd -- "$1" || exit 126; shift; exec "$@"';

/**
 * The host's file systems, network, names and IPC, which commands of an agent in a pod enter by `nsenter`: those of
 * process 1, which the pod sees by `hostPID`. Process ids are the same on both sides, and nsenter becomes the command
 * without a fork, so that a command is known, marked and ended there just as one of the agent's own.
 */
export class HostNamespaces {
  readonly #pid: number;
  readonly #workFolder: string;
  #nsenter: string | undefined;
  #shares = false;

  /** `workFolder`: the agent's; `pid`: whose namespaces are entered, process 1 unless given. */
  constructor(workFolder: string, pid = 1) {
    this.#workFolder = workFolder;
    this.#pid = pid;
  }

  /** To be called once before all others. Rejects with `HostUnreachable`, which says what the agent lacks. */
  async prepare(): Promise<void> {
    const [own, host] = await Promise.all([
      readlink('/proc/self/ns/mnt'),
      readlink(`/proc/${this.#pid}/ns/mnt`).catch((err: unknown) => err as NodeJS.ErrnoException),
    ]);
    if (host instanceof Error)
      throw new HostUnreachable(
        `shell.nsenter: the namespaces of process ${this.#pid} cannot be read (${host.code}): run the agent privileged, as root`,
      );
    // Commands would be run in the container, and seem to have been run on the host.
    if (own === host)
      throw new HostUnreachable(
        `shell.nsenter: process ${this.#pid} is in the agent's own mount namespace: give the pod hostPID, and leave nsenter out for an agent that runs on the host itself`,
      );
    this.#nsenter = await which('nsenter');
    if (this.#nsenter === undefined)
      throw new HostUnreachable('shell.nsenter: there is no program nsenter on the PATH of the agent');
    this.#shares = await isSame(this.#workFolder, `/proc/${this.#pid}/root${this.#workFolder}`);
  }

  /** Where commands run that name no folder: the agent's work folder if the host has it at the same path. */
  get folder(): string {
    return this.#shares ? this.#workFolder : '/';
  }

  /** How the host finds a file of the agent's, for as long as the agent lives. */
  pathOf(path: string): string {
    return this.#shares && path.startsWith(`${this.#workFolder}/`) ? path : `/proc/${process.pid}/root${path}`;
  }

  /** Whether the host has a folder of this absolute path. */
  async hasFolder(path: string): Promise<boolean> {
    const found = await this.#resolve(path);
    return found !== undefined && (await stat(found).catch(() => undefined))?.isDirectory() === true;
  }

  /** Whether the host has a shell, by its path or on the PATH that the command gets. */
  async hasProgram(name: string, path = ''): Promise<boolean> {
    const places = name.includes('/') ? [name] : path.split(delimiter).map((folder) => join(folder, name));
    for (const place of places.filter((one) => one.startsWith('/'))) {
      const found = await this.#resolve(place);
      if (found !== undefined && (await stat(found).catch(() => undefined))?.isFile() === true) return true;
    }
    return false;
  }

  /** What runs a shell with arguments, in a folder of the host. */
  program(shell: string, args: readonly string[], cwd: string): HostProgram {
    if (this.#nsenter === undefined) throw new HostUnreachable('shell.nsenter: the host was not looked at yet');
    const entered = ['-t', String(this.#pid), '-m', '-u', '-i', '-n', '--'];
    // By its path: for a bare `sh` the nsenter of busybox takes busybox's own, whose tools then hide those of the host.
    return { file: this.#nsenter, args: [...entered, '/bin/sh', '-c', IN_FOLDER, 'sh', cwd, shell, ...args] };
  }

  /**
   * Where a path of the host lies for the agent, all links of it followed on the host; the kernel would follow absolute
   * ones in the container. Undefined when there is nothing.
   */
  async #resolve(path: string): Promise<string | undefined> {
    const root = `/proc/${this.#pid}/root`;
    let done = '/';
    let rest = normalize(path).split('/').filter(Boolean);
    for (let links = 0; links < MAX_LINKS;) {
      const [name, ...more] = rest;
      if (name === undefined) return join(root, done);
      const next = name === '..' ? dirname(done) : join(done, name);
      const found = await lstat(root + next).catch(() => undefined);
      if (found === undefined) return undefined;
      rest = more;
      if (!found.isSymbolicLink()) done = next;
      else {
        links += 1;
        const target = await readlink(root + next).catch(() => '');
        if (target.startsWith('/')) done = '/';
        rest = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...more];
      }
    }
    return undefined;
  }
}

async function which(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((one) => one.startsWith('/'))) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => undefined)));
  return a !== undefined && a.dev === b?.dev && a.ino === b.ino;
}
