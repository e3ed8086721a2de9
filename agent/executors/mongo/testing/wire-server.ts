import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { BSON } from 'mongodb';
import type { Document } from 'mongodb';
import { onTestFinished } from 'vitest';

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;

/** `hang up` closes the connection without an answer, `silence` never answers. */
export type Answer = Document | 'hang up' | 'silence';
/** Answers a command; its name is its first key. Undefined: the usual answer, `{ ok: 1 }`. */
export type Respond = (name: string, command: Document) => Answer | Promise<Answer> | undefined;

/** Written as a member of a replica set says it; what is undefined is left out. */
export const MEMBER: Document = { setName: 'rs', hosts: ['127.0.0.1:1'], primary: '127.0.0.1:1' };

/**
 * Speaks MongoDB's wire protocol (OP_MSG, and OP_QUERY for the first handshake) and keeps what it is sent: for what no
 * server of the tests can do, which is transactions. It stores nothing.
 */
export class WireServer {
  /** What clients sent, without handshakes and their like, in order. */
  readonly commands: Document[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #hello: Document;
  readonly #respond: Respond;

  private constructor(hello: Document, respond: Respond) {
    this.#hello = hello;
    this.#respond = respond;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens until the test has finished or `stop`; on any port unless one is given. */
  static async listen(hello: Document, respond: Respond = () => undefined, port = 0): Promise<WireServer> {
    const server = new WireServer(hello, respond);
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => server.stop());
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The names of the commands, in order. */
  get names(): string[] {
    return this.commands.map((command) => Object.keys(command)[0] ?? '');
  }

  /** Closes all connections and listens no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let buffered = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= HEADER_BYTES && buffered.length >= buffered.readInt32LE(0)) {
        const message = buffered.subarray(0, buffered.readInt32LE(0));
        buffered = buffered.subarray(message.length);
        void this.#answer(socket, message);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #answer(socket: Socket, message: Buffer): Promise<void> {
    const requestId = message.readInt32LE(4);
    const isQuery = message.readInt32LE(12) === OP_QUERY;
    const command = isQuery ? queryOf(message) : commandOf(message);
    const name = Object.keys(command)[0] ?? '';
    const answer = await this.#answerTo(name, command);
    if (answer === 'silence') return;
    if (answer === 'hang up') socket.destroy();
    else socket.write(isQuery ? replyOf(requestId, answer) : messageOf(requestId, answer));
  }

  #answerTo(name: string, command: Document): Answer | Promise<Answer> {
    if (['hello', 'ismaster', 'isMaster'].includes(name))
      return {
        ...{ helloOk: true, isWritablePrimary: true, ismaster: true, readOnly: false, localTime: new Date() },
        ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
        ...{ logicalSessionTimeoutMinutes: 30, minWireVersion: 0, maxWireVersion: 21, ...this.#hello, ok: 1 },
      };
    if (name === 'buildInfo') return { version: '7.0.0', ok: 1 };
    if (name !== 'endSessions') this.commands.push(command);
    return this.#respond(name, command) ?? { ok: 1 };
  }
}

/** One body, and sequences of documents that belong into it. */
function commandOf(message: Buffer): Document {
  let command: Document = {};
  let at = HEADER_BYTES + 4;
  while (at < message.length) {
    const kind = message[at];
    const size = message.readInt32LE(at + 1);
    const section = message.subarray(at + 1, at + 1 + size);
    at += 1 + size;
    if (kind === 0) {
      command = { ...BSON.deserialize(section), ...command };
      continue;
    }
    const nameEnd = section.indexOf(0, 4);
    const documents: Document[] = [];
    for (let from = nameEnd + 1; from < section.length; from += section.readInt32LE(from))
      documents.push(BSON.deserialize(section.subarray(from, from + section.readInt32LE(from))));
    command[section.toString('utf8', 4, nameEnd)] = documents;
  }
  return command;
}

const queryOf = (message: Buffer): Document =>
  BSON.deserialize(message.subarray(message.indexOf(0, HEADER_BYTES + 4) + 1 + 8));

const messageOf = (requestId: number, answer: Document): Buffer =>
  framed(OP_MSG, requestId, Buffer.concat([Buffer.alloc(5), BSON.serialize(answer)]));

function replyOf(requestId: number, answer: Document): Buffer {
  const head = Buffer.alloc(20);
  head.writeInt32LE(1, 16);
  return framed(OP_REPLY, requestId, Buffer.concat([head, BSON.serialize(answer)]));
}

function framed(opCode: number, requestId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + body.length, 0);
  header.writeInt32LE(requestId, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, body]);
}
