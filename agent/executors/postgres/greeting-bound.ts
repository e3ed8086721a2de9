import type { Connection } from 'pg';

/** Login, parameters and key have some kilobytes; the rest is for long notices. */
const MAX_GREETING_BYTES = 1024 * 1024;

/**
 * Ends a connection that brings more than a login can before it is ready: the driver believes any length that a message
 * claims, so that a server of another protocol which sends without end would fill the agent's memory. To be called
 * before the client connects; returns what lifts the bound.
 */
export function boundGreeting(connection: Connection): () => void {
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > MAX_GREETING_BYTES)
      connection.stream.destroy(new Error("what answers there does not speak PostgreSQL's protocol"));
  };
  const watch = (): void => {
    connection.stream.on('data', count);
  };
  watch();
  // By TLS the rest comes through another stream.
  connection.once('sslconnect', watch);
  return () => {
    connection.stream.off('data', count);
  };
}
