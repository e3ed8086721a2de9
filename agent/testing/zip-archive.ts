import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMember {
  readonly name: string;
  readonly bytes: Buffer | string;
  /** Stored as it is instead of deflated. */
  readonly stored?: boolean;
  /** Of the deflation; zlib's default unless set. */
  readonly level?: number;
  readonly encrypted?: boolean;
  /** The type and permission bits of Unix; a regular file unless set. */
  readonly mode?: number;
  /** Lies about the unpacked size, or the checksum. */
  readonly claimedBytes?: number;
  readonly claimedCrc?: number;
}

const UTF8_NAMES = 0x800;

/** A zip archive with these members and no checks, so that it can hold what no tool would pack. */
export function zipArchive(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const bytes = Buffer.from(member.bytes);
    const data = member.stored === true ? bytes : deflateRawSync(bytes, { level: member.level ?? -1 });
    const name = Buffer.from(member.name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(UTF8_NAMES | (member.encrypted === true ? 1 : 0), 2);
    fields.writeUInt16LE(member.stored === true ? 0 : 8, 4);
    fields.writeUInt32LE(member.claimedCrc ?? crc32(bytes), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(member.claimedBytes ?? bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), fields, name, data);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((member.mode ?? 0o100644) * 0x10000, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), fields, rest, name);
    offset += 30 + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
