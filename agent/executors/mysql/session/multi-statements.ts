import { isError, readError } from './answer-packets.ts';
import type { DriverCommand, DriverConnection } from './driver-connection.ts';
import type { Packet } from './packet-reader.ts';
import { sendPacket } from './query-command.ts';
import { ConnectionLost } from './server-error.ts';

const COM_SET_OPTION = 0x1b;
const [ON, OFF] = [0, 1];

/** Lets a connection take several statements in one query, or not any more. Rejects when the server does not know it. */
export async function allowMultiStatements(connection: DriverConnection, allowed: boolean): Promise<void> {
  const done = Promise.withResolvers<void>();
  const command: DriverCommand = {
    execute: (packet: Packet | undefined) => {
      if (packet === undefined) {
        sendPacket(connection, Buffer.from([0, 0, 0, 0, COM_SET_OPTION, allowed ? ON : OFF, 0]));
        return false;
      }
      if (isError(packet)) done.reject(readError(packet));
      else done.resolve();
      return true;
    },
    onResult: (err) => done.reject(err ?? new ConnectionLost('the connection was closed')),
  };
  connection.addCommand(command);
  await done.promise;
}
