import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/**
 * Passes connections on to a server until a client has sent the marker: from then on that connection's answers are held
 * back, while what the client sends still arrives. So the work is done, and the client does not hear of it.
 */
export class HoldingProxy {
  readonly #to: { readonly host: string; readonly port: number };
  readonly #marker: Buffer;
  readonly #server = createServer((client) => this.#pass(client));
  readonly #sockets = new Set<Socket>();
  /** How many connections have sent the marker. */
  seen = 0;

  constructor(to: { readonly host: string; readonly port: number }, marker: string) {
    this.#to = to;
    this.#marker = Buffer.from(marker);
  }

  /** Returns the port on 127.0.0.1. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket): void {
    const upstream = connect(this.#to);
    let tail = Buffer.alloc(0);
    let held = false;
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
    }
    client.on('data', (bytes: Buffer) => {
      // The marker may arrive in two pieces.
      const text = Buffer.concat([tail, bytes]);
      tail = text.subarray(-this.#marker.length);
      if (!held && text.includes(this.#marker)) {
        held = true;
        this.seen += 1;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes: Buffer) => {
      if (!held) client.write(bytes);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }
}
