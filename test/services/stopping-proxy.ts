import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Where a proxy stops: at the nth message of a client with this text, which the server still gets, or does not. */
export interface StopPoint {
  readonly marker: string;
  /** From 1; 1 unless set. */
  readonly nth?: number;
  readonly reaches: 'server' | 'nobody';
}

/**
 * Passes connections on to a server until a client sends the marker. From then on nothing goes either way, on any
 * connection, until `letGo`: for the client, the server has fallen silent just there.
 */
export class StoppingProxy {
  readonly #to: { readonly host: string; readonly port: number };
  readonly #point: StopPoint;
  readonly #server = createServer((client) => this.#pass(client));
  readonly #sockets = new Set<Socket>();
  #found = 0;
  #stopped = false;

  constructor(to: { readonly host: string; readonly port: number }, point: StopPoint) {
    this.#to = to;
    this.#point = point;
  }

  get hasStopped(): boolean {
    return this.#stopped;
  }

  /** Returns the port on 127.0.0.1. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets new connections pass whatever they send. */
  letGo(): void {
    this.#found = Infinity;
    this.#stopped = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket): void {
    const upstream = connect(this.#to);
    let silent = false;
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
    }
    client.on('data', (bytes: Buffer) => {
      const wasStopped = this.#stopped;
      this.#look(bytes);
      const arrives = !this.#stopped || (!wasStopped && this.#point.reaches === 'server');
      silent ||= this.#stopped;
      if (arrives) upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      silent ||= this.#stopped;
      if (!silent) client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }

  /** A message of these tests is one write of its client. */
  #look(bytes: Buffer): void {
    const { marker, nth = 1 } = this.#point;
    if (this.#found >= nth || !bytes.includes(marker)) return;
    this.#found += 1;
    this.#stopped = this.#found === nth;
  }
}
