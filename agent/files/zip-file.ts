import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { FileUnavailable } from './file-unavailable.ts';
import { checkUnpacked } from './unpack-limits.ts';
import type { UnpackLimits } from './unpack-limits.ts';
import { chooseEntry } from './zip-entry.ts';

export interface ZipChoice {
  /** The entry's full name or its base name; undefined: the first in name order that has one of the extensions. */
  readonly fileName: string | undefined;
  readonly extensions: readonly string[];
  readonly limits: UnpackLimits;
}

export interface OpenEntry {
  readonly name: string;
  readonly stream: Readable;
  readonly packed: number;
  /** Of the unpacked bytes, as the archive has it. */
  readonly crc32: number;
  close(): void;
}

/** What an archive says of its entries is kept in memory while one is chosen. */
const MAX_DIRECTORY_BYTES = 16 * 1024 ** 2;
const FILE_TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;

/**
 * Opens one entry of a zip archive. An archive in which any name could lead out of a folder is refused as a whole, since
 * nobody makes one by mistake; an entry that is encrypted, a link or too large is refused when it is the chosen one.
 * Throws `FileUnavailable`.
 */
export async function openZipEntry(path: string, name: string, choice: ZipChoice): Promise<OpenEntry> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    const entries = await readDirectory(zip, name, choice.limits);
    const index = chooseEntry(
      entries.map(({ fileName }) => fileName),
      choice.fileName,
      choice.extensions,
    );
    if (typeof index === 'string') throw new FileUnavailable('FileNotFound', index);
    const entry = entries[index];
    if (entry === undefined) throw new Error(`it has no entry ${index}`);
    checkEntry(entry, choice.limits);
    const stream = await zip.openReadStreamPromise(entry);
    // Whoever reads hears of an error; nobody may be reading yet, or any more.
    stream.on('error', () => undefined);
    const opened = zip;
    const { fileName, compressedSize, crc32: checksum } = entry;
    return { name: fileName, stream, packed: compressedSize, crc32: checksum, close: () => opened.close() };
  } catch (err) {
    zip?.close();
    throw asUnavailable(err, name);
  }
}

/** Passes an entry's bytes on and fails at their end when they are not those that were packed. */
export async function* verified({ stream, name, crc32: expected }: OpenEntry): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== expected) throw new FileUnavailable('FileInvalid', `${name} is damaged in the zip: its CRC-32 is wrong`);
}

async function readDirectory(zip: ZipFile, name: string, limits: UnpackLimits): Promise<Entry[]> {
  const tooMany = `${name} has more than ${limits.maxEntries} entries`;
  if (zip.entryCount > limits.maxEntries) throw new FileUnavailable('FileTooLarge', tooMany);
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const entry of zip.eachEntry()) {
    bytes += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    if (bytes > MAX_DIRECTORY_BYTES)
      throw new FileUnavailable('FileTooLarge', `the directory of ${name} has more than ${MAX_DIRECTORY_BYTES} bytes`);
    if (/[\0-\x1f\x7f]/.test(entry.fileName))
      throw new FileUnavailable('FileInvalid', `${name} has an entry with control characters in its name`);
    entries.push(entry);
  }
  return entries;
}

function checkEntry(entry: Entry, limits: UnpackLimits): void {
  const { fileName } = entry;
  const refuse = (why: string): never => {
    throw new FileUnavailable('FileInvalid', `file '${fileName}' in the zip ${why}`);
  };
  if (entry.isEncrypted()) refuse('is encrypted');
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE_BITS;
  if (type !== 0 && type !== REGULAR_FILE) refuse('is a link or a device, not a file');
  if (!entry.canDecodeFileData()) refuse(`is packed by method ${entry.compressionMethod}, which is not supported`);
  checkUnpacked(`file '${fileName}' in the zip`, entry.uncompressedSize, entry.compressedSize, limits);
}

function asUnavailable(err: unknown, name: string): FileUnavailable {
  if (err instanceof FileUnavailable) return err;
  return new FileUnavailable('FileInvalid', `${name} cannot be read as a zip archive: ${(err as Error).message}`, {
    cause: err,
  });
}
