import koffi from 'koffi';
import { SourceError } from '../../source.ts';

/** From linux/inotify.h, sys/eventfd.h and poll.h: the same on all processors that Node runs on. */
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const POLLIN = 1;

export const IN = {
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x1000000,
  DONT_FOLLOW: 0x2000000,
  EXCL_UNLINK: 0x4000000,
  ISDIR: 0x40000000,
} as const;

const ENOENT = 2;
const EACCES = 13;
const ENOTDIR = 20;
const EMFILE = 24;
const ENOSPC = 28;
const ENAMETOOLONG = 36;

/** What the comparison of folders finds too, and tells of. */
const NOT_WATCHABLE: readonly number[] = [ENOENT, EACCES, ENOTDIR, ENAMETOOLONG];

/** What the kernel tells: of the watch `wd` (−1: of none), about the entry `name` of its folder (`''`: the folder itself). */
export interface InotifyEvent {
  readonly wd: number;
  readonly mask: number;
  readonly name: string;
}

/** A struct inotify_event: wd, mask, cookie, length of the name that follows, which is padded with zeros. */
const HEADER = 16;

export function parseEvents(bytes: Buffer): InotifyEvent[] {
  const events: InotifyEvent[] = [];
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 12);
    const name = bytes.subarray(at + HEADER, at + HEADER + length);
    const end = name.indexOf(0);
    events.push({
      wd: bytes.readInt32LE(at),
      mask: bytes.readUInt32LE(at + 4),
      name: name.toString('utf8', 0, end < 0 ? length : end),
    });
    at += HEADER + length;
  }
  return events;
}

/** The functions of libc that Node lacks. Throws a `SourceError` where there is no inotify. */
function loadLibc(): Libc {
  if (process.platform !== 'linux')
    throw new SourceError('PlatformUnsupported', 'files can be watched on Linux only', { retryable: false });
  const libc = koffi.load(null);
  return {
    init: libc.func('int inotify_init1(int flags)') as Libc['init'],
    add: libc.func('int inotify_add_watch(int fd, const char *path, uint32_t mask)') as Libc['add'],
    remove: libc.func('int inotify_rm_watch(int fd, int wd)') as Libc['remove'],
    eventfd: libc.func('int eventfd(unsigned int initval, int flags)') as Libc['eventfd'],
    poll: libc.func('int poll(void *fds, unsigned long nfds, int timeout)') as Libc['poll'],
    read: libc.func('long read(int fd, void *buf, size_t count)') as Libc['read'],
  };
}

interface Libc {
  readonly init: (flags: number) => number;
  readonly add: (fd: number, path: string, mask: number) => number;
  readonly remove: (fd: number, wd: number) => number;
  readonly eventfd: (initval: number, flags: number) => number;
  readonly poll: (fds: Buffer, nfds: number, timeout: number) => number;
  readonly read: (fd: number, buf: Buffer, count: number) => number;
}

/**
 * The kernel's own tale of what happens in folders. All calls block the thread, so it belongs to a thread of its own. Node's
 * fs.watch does not tell when a file that was written is closed, and neither do the packages that build on it (ADR 0026).
 */
export class Inotify {
  /** Whoever writes eight bytes (a number that is not 0) to this file wakes `wait`. Both files are for the owner to close. */
  readonly wakeFd: number;
  readonly fd: number;
  readonly #libc = loadLibc();
  readonly #buffer = Buffer.alloc(256 * 1024);
  /** Two structs pollfd. */
  readonly #polled = Buffer.alloc(16);

  constructor() {
    this.fd = this.#libc.init(NONBLOCK_CLOEXEC);
    if (this.fd < 0)
      throw koffi.errno() === EMFILE
        ? limitError('fs.inotify.max_user_instances', 'inotify instances')
        : new SourceError('WatchFailed', `inotify cannot be used (errno ${koffi.errno()})`, { retryable: true });
    this.wakeFd = this.#libc.eventfd(0, NONBLOCK_CLOEXEC);
    this.#polled.writeInt32LE(this.fd, 0);
    this.#polled.writeInt16LE(POLLIN, 4);
    this.#polled.writeInt32LE(this.wakeFd, 8);
    this.#polled.writeInt16LE(POLLIN, 12);
  }

  /**
   * Watches a folder; the number is the same when its inode is watched already. Undefined: there is no such folder, or it may
   * not be read, or its path is too long. Throws a `SourceError` when the kernel gives no more watches.
   */
  add(path: string, mask: number): number | undefined {
    const wd = this.#libc.add(this.fd, path, mask);
    if (wd >= 0) return wd;
    const errno = koffi.errno();
    if (NOT_WATCHABLE.includes(errno)) return undefined;
    if (errno === ENOSPC) throw limitError('fs.inotify.max_user_watches', 'inotify watches, one for each folder');
    throw new SourceError('WatchFailed', `the folder ${path} cannot be watched (errno ${errno})`, { retryable: true });
  }

  remove(wd: number): void {
    this.#libc.remove(this.fd, wd);
  }

  /** Blocks until something has happened, it is woken, or the time is over. */
  wait(timeoutMs: number): void {
    this.#libc.poll(this.#polled, 2, timeoutMs);
    this.#libc.read(this.wakeFd, this.#buffer, 8);
  }

  /** What has happened since the last call, a buffer full at most; empty: nothing more. */
  read(): InotifyEvent[] {
    const length = this.#libc.read(this.fd, this.#buffer, this.#buffer.length);
    return length > 0 ? parseEvents(this.#buffer.subarray(0, length)) : [];
  }
}

function limitError(setting: string, what: string): SourceError {
  return new SourceError('WatchLimit', `the kernel gives no more ${what}: raise the sysctl ${setting} on this host`, {
    retryable: true,
  });
}
