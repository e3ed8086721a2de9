import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsAttempt } from '../database/tls-attempts.ts';

export interface CancelTarget {
  readonly host: string;
  readonly port: number;
  /** As the connection itself is protected. */
  readonly tls: TlsAttempt;
  readonly pid: number;
  readonly secretKey: number;
}

/** PostgreSQL's documentation, "Message Formats": the codes of CancelRequest and SSLRequest. */
const CANCEL_CODE = 80877102;
const SSL_CODE = 80877103;
const TIMEOUT_MS = 5000;

/**
 * Asks the server to cancel what a connection executes, as libpq does: that works behind a pooler too, where the backend
 * is not the one whose number the client knows. Resolves when the server has taken the request, which says nothing of its
 * effect; rejects when it could not be sent.
 */
export async function requestCancel({ host, port, tls, pid, secretKey }: CancelTarget): Promise<void> {
  const socket = connect({ host, port });
  const stop = setTimeout(() => socket.destroy(new Error('the server did not take the request to cancel')), TIMEOUT_MS);
  try {
    const secured = tls === false ? socket : await secure(socket, host, tls);
    const message = Buffer.alloc(16);
    [16, CANCEL_CODE, pid, secretKey].forEach((value, index) => message.writeInt32BE(value, index * 4));
    await new Promise<void>((resolve, reject) => {
      secured.once('error', reject).once('close', () => resolve());
      // The server answers nothing and closes the connection.
      secured.resume().write(message);
    });
  } finally {
    clearTimeout(stop);
    socket.destroy();
  }
}

async function secure(socket: Socket, host: string, tls: Exclude<TlsAttempt, false>): Promise<Socket> {
  const request = Buffer.alloc(8);
  request.writeInt32BE(8, 0);
  request.writeInt32BE(SSL_CODE, 4);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the server closed the connection')));
    socket.once('data', (answer) =>
      answer.toString() === 'S' ? resolve() : reject(new Error('the server has no TLS')),
    );
    socket.write(request);
  });
  socket.removeAllListeners();
  return connectTls({ ...tls, socket, host, ...(isIP(host) === 0 ? { servername: host } : {}) });
}
