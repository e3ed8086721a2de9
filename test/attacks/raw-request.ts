import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 when the server hung up without a word. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const SILENCE_MS = 60_000;

/** Sends a request line and headers byte by byte, which no HTTP client would let through. Resolves when the server hangs up. */
export function rawRequest(url: string, line: string, headers: readonly string[] = [], body = ''): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let text = '';
    socket.setTimeout(SILENCE_MS, () =>
      socket.destroy(new Error(`no answer to ${JSON.stringify(line.slice(0, 200))}`)),
    );
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    // The server may hang up before it has read everything.
    socket.on('error', (err: NodeJS.ErrnoException) => (err.code === undefined ? reject(err) : undefined));
    socket.on('close', () => {
      const [head = '', ...rest] = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '').split('\r\n\r\n');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: rest.join('\r\n\r\n') });
    });
    const sent = [line, ...headers, `Host: ${hostname}:${port}`, 'Connection: close', '', body].join('\r\n');
    socket.write(Buffer.from(sent, 'latin1'));
  });
}
