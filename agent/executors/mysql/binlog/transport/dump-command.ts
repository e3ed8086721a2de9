import { isEof, isError, readError } from '../../session/answer-packets.ts';
import type { DriverCommand, DriverConnection } from '../../session/driver-connection.ts';
import type { Packet } from '../../session/packet-reader.ts';
import { sendPacket } from '../../session/query-command.ts';
import { ConnectionLost } from '../../session/server-error.ts';
import type { BinlogPosition } from '../binlog-position.ts';

const COM_BINLOG_DUMP = 0x12;
const COM_BINLOG_DUMP_GTID = 0x1e;
/** The set counts, not the position. */
const THROUGH_GTID = 0x04;
/** Behind a file's magic number: what comes before the first event that is wanted is passed over. */
const FIRST_POSITION = 4;
/** Bytes that may wait for whoever reads them before the server is held back. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Where to begin: at a place, or (MySQL) with every transaction that the set lacks, in the protocol's own form. */
export type LogStart = BinlogPosition | { readonly gtids: Buffer };

/**
 * COM_BINLOG_DUMP: the log from a place on, for as long as the connection lasts. One reader; the server is held back
 * while it does not read.
 *
 * It has the methods that the driver calls on its commands.
 */
export class DumpCommand implements DriverCommand {
  readonly #from: LogStart;
  readonly #serverId: number;
  #packets: Buffer[] = [];
  #taken = 0;
  #waitingBytes = 0;
  #reader: PromiseWithResolvers<Buffer> | undefined;
  #failure: Error | undefined;
  #connection: DriverConnection | undefined;

  /** Under the number the server knows the reader among its replicas; no other may have it. */
  constructor(from: LogStart, serverId: number) {
    this.#from = from;
    this.#serverId = serverId;
  }

  /** All bytes of the next event. Rejects with the server's error or the connection's, after the last event. */
  async next(): Promise<Buffer> {
    const packet = this.waiting();
    if (packet !== undefined) return packet;
    if (this.#failure !== undefined) throw this.#failure;
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  /** The next event if it has come already. */
  waiting(): Buffer | undefined {
    const packet = this.#packets[this.#taken];
    if (packet === undefined) return undefined;
    this.#taken += 1;
    this.#waitingBytes -= packet.length;
    if (this.#taken === this.#packets.length) {
      this.#packets = [];
      this.#taken = 0;
      this.#connection?.stream.resume();
    }
    return packet;
  }

  /** Called by the driver: first without a packet, then with each one. Whether it has ended. */
  execute(packet: Packet | undefined, connection: DriverConnection): boolean {
    if (packet === undefined) {
      this.#connection = connection;
      this.#send(connection);
      return false;
    }
    if (isError(packet)) return this.#fail(readError(packet));
    if (isEof(packet)) return this.#fail(new ConnectionLost('the server ended the binary log'));
    // The first byte says that it is no error.
    this.#take(packet.buffer.subarray(packet.offset + 1, packet.end), connection);
    return false;
  }

  /** Called by the driver when the connection is lost. */
  onResult(err: Error | null): void {
    this.#fail(err ?? new ConnectionLost('the connection was closed'));
  }

  #take(event: Buffer, connection: DriverConnection): void {
    if (this.#reader !== undefined) {
      this.#reader.resolve(event);
      this.#reader = undefined;
      return;
    }
    this.#packets.push(event);
    this.#waitingBytes += event.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) connection.stream.pause();
  }

  #fail(err: Error): true {
    this.#failure ??= err;
    this.#reader?.reject(this.#failure);
    this.#reader = undefined;
    return true;
  }

  #send(connection: DriverConnection): void {
    const from = this.#from;
    sendPacket(connection, 'gtids' in from ? gtidPacket(from.gtids, this.#serverId) : filePacket(from, this.#serverId));
  }
}

function filePacket({ file, position }: BinlogPosition, serverId: number): Buffer {
  const name = Buffer.from(file);
  const packet = Buffer.alloc(4 + 11 + name.length);
  packet[4] = COM_BINLOG_DUMP;
  packet.writeUInt32LE(position, 5);
  packet.writeUInt32LE(serverId, 11);
  name.copy(packet, 15);
  return packet;
}

function gtidPacket(gtids: Buffer, serverId: number): Buffer {
  const packet = Buffer.alloc(4 + 23 + gtids.length);
  packet[4] = COM_BINLOG_DUMP_GTID;
  packet.writeUInt16LE(THROUGH_GTID, 5);
  packet.writeUInt32LE(serverId, 7);
  // No name of a file: its length is 0.
  packet.writeBigUInt64LE(BigInt(FIRST_POSITION), 15);
  packet.writeUInt32LE(gtids.length, 23);
  gtids.copy(packet, 27);
  return packet;
}
