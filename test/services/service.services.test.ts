import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SERVICE_NAMES } from './known-services.ts';
import { hasServices, service } from './service.ts';

describe.each(SERVICE_NAMES)('the service %s', (name) => {
  it.skipIf(!hasServices(name))('listens on its ports', async () => {
    const { host, port, ports } = await service(name);
    for (const each of [port, ...Object.values(ports)]) {
      const socket = connect({ host, port: each });
      await once(socket, 'connect');
      socket.destroy();
    }
    expect(port).toBeGreaterThan(1024);
  });
});
