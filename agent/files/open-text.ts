import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FileUnavailable } from './file-unavailable.ts';
import type { TaskFile } from './task-file.ts';
import { UNPACK_LIMITS, unpackedWithin } from './unpack-limits.ts';
import type { UnpackLimits } from './unpack-limits.ts';
import { utf8Pieces } from './utf8-pieces.ts';
import { openZipEntry, verified } from './zip-file.ts';

export interface OpenTextOptions {
  /** Which entry of a zip archive: its full name or its base name (`params.file_name`). Of no meaning elsewhere. */
  readonly fileName?: string | undefined;
  /** Without a name it is the first entry in name order that ends with one of these, in lower case; `.sql` unless set. */
  readonly extensions?: readonly string[];
  readonly limits?: UnpackLimits;
}

export interface TextFile {
  /** The name of what is read: the file's own, or its entry's in an archive. */
  readonly name: string;
  /**
   * The text, in order, in pieces of no meaning; to be read once. No more is read ahead than one piece. Throws
   * `FileUnavailable` when the file turns out to be damaged, too large or no UTF-8.
   */
  readonly pieces: AsyncIterable<string>;
  /** To be called once, after the last piece or instead of it. Also releases the task's file. */
  readonly release: () => void;
}

const PIECE_BYTES = 64 * 1024;

/**
 * Opens a file as UTF-8 text, unpacked if it is gzip or a zip archive, which its first bytes tell, not its name. Takes
 * over the task's file: it is released with the text, or at once when this throws `FileUnavailable`.
 */
export async function openText(file: TaskFile | string, options: OpenTextOptions = {}): Promise<TextFile> {
  const path = typeof file === 'string' ? file : file.path;
  const name = typeof file === 'string' ? basename(file) : file.name;
  try {
    const bytes = await openBytes(path, name, options);
    return {
      name: bytes.name,
      pieces: utf8Pieces(explained(bytes.chunks, bytes.name), bytes.name),
      release: () => {
        bytes.close();
        if (typeof file !== 'string') file.release();
      },
    };
  } catch (err) {
    if (typeof file !== 'string') file.release();
    throw err;
  }
}

interface OpenBytes {
  readonly name: string;
  readonly chunks: AsyncIterable<Buffer>;
  close(): void;
}

async function openBytes(path: string, name: string, options: OpenTextOptions): Promise<OpenBytes> {
  const { fileName, extensions = ['.sql'], limits = UNPACK_LIMITS } = options;
  const { handle, kind, size } = await look(path, name);
  if (kind === 'zip') {
    await handle.close();
    const entry = await openZipEntry(path, name, { fileName, extensions, limits });
    const close = (): void => {
      entry.stream.destroy();
      entry.close();
    };
    return { name: entry.name, chunks: unpackedWithin(verified(entry), entry.name, entry.packed, limits), close };
  }
  const file = handle.createReadStream({ start: 0, highWaterMark: PIECE_BYTES });
  const stream: Readable =
    kind === 'plain' ? file : pipeline(file, createGunzip({ chunkSize: PIECE_BYTES }), () => undefined);
  // Whoever reads hears of an error; nobody may be reading yet, or any more.
  stream.on('error', () => undefined);
  const chunks = kind === 'plain' ? stream : unpackedWithin(stream, name, size, limits);
  return { name, chunks, close: () => stream.destroy() };
}

type Kind = 'plain' | 'gzip' | 'zip';

/** Opens a file without waiting, as the opening of a pipe would. */
async function look(path: string, name: string): Promise<{ handle: FileHandle; kind: Kind; size: number }> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await handle.stat();
    if (!found.isFile()) throw new FileUnavailable('FileInvalid', `${name} is not a regular file`);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    const kind = kindOf(buffer.subarray(0, bytesRead).toString('latin1'));
    if (kind === 'plain' && /\.(zip|gz)$/i.test(name))
      throw new FileUnavailable('FileInvalid', `${name} is neither a zip archive nor gzip, as its name says`);
    return { handle, kind, size: found.size };
  } catch (err) {
    await handle?.close();
    if (err instanceof FileUnavailable) throw err;
    throw new FileUnavailable('FileNotFound', `${name} cannot be opened: ${(err as Error).message}`, { cause: err });
  }
}

function kindOf(start: string): Kind {
  if (start.startsWith('\x1f\x8b')) return 'gzip';
  // PK\5\6 is an archive with no entries.
  return start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06') ? 'zip' : 'plain';
}

/** Says of which file it was that reading or unpacking failed. */
async function* explained(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (err) {
    if (err instanceof FileUnavailable) throw err;
    throw new FileUnavailable('FileInvalid', `${name} cannot be read: ${(err as Error).message}`, { cause: err });
  }
}
