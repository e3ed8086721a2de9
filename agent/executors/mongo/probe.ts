import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isIP } from 'node:net';
import { BSON } from 'mongodb';
import type { MongoClientOptions } from 'mongodb';
import type { Target } from '../../connections/target.ts';

/** What listens at the target is no MongoDB server, or does not answer. */
class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
}

/** messageLength, requestID, responseTo, opCode: MongoDB Wire Protocol, "Standard Message Header". */
const HEADER_BYTES = 16;
const OP_MSG = 2013;
const REQUEST_ID = 1;
/** The answer to hello has some hundred bytes. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Asks hello over a connection of its own, and looks only at the head of the answer. The driver believes any length that
 * a message claims, so that a server of another protocol which sends without end would fill the agent's memory.
 */
export async function probe(target: Target, options: MongoClientOptions, signal: AbortSignal): Promise<void> {
  const timeoutMs = options.connectTimeoutMS ?? 10_000;
  const socket = openSocket(target, options);
  const head = Promise.withResolvers<void>();
  const silent = new ProbeFailed(`the server did not answer within ${timeoutMs} ms`);
  const timer = setTimeout(() => head.reject(silent), timeoutMs);
  const stop = (): void => head.reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let received = Buffer.alloc(0);
  socket.on('error', (err) => head.reject(err));
  socket.on('close', () => head.reject(new ProbeFailed('the server closed the connection without an answer')));
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < HEADER_BYTES) return;
    if (isAnswer(received)) head.resolve();
    else head.reject(new ProbeFailed("what answers there does not speak MongoDB's protocol"));
  });
  socket.write(helloMessage());
  try {
    await head.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function openSocket({ host, port }: Target, options: MongoClientOptions): Socket {
  if (options.tls !== true) return connectTcp({ host, port });
  return connectTls({
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    rejectUnauthorized: options.tlsAllowInvalidCertificates !== true,
    ...(options.tlsAllowInvalidHostnames === true ? { checkServerIdentity: () => undefined } : {}),
  });
}

function isAnswer(message: Buffer): boolean {
  const length = message.readInt32LE(0);
  const isBounded = length > HEADER_BYTES && length <= MAX_ANSWER_BYTES;
  return isBounded && message.readInt32LE(8) === REQUEST_ID && message.readInt32LE(12) === OP_MSG;
}

function helloMessage(): Buffer {
  const body = BSON.serialize({ hello: 1, $db: 'admin' });
  // Flags, and one section of kind 0, which is the body.
  const message = Buffer.alloc(HEADER_BYTES + 5 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(REQUEST_ID, 4);
  message.writeInt32LE(OP_MSG, 12);
  message.set(body, HEADER_BYTES + 5);
  return message;
}
