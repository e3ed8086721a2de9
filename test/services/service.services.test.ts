import { connect } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { SERVICE_NAMES } from './known-services.ts';
import { hasServices, service } from './service.ts';
import type { Service } from './service.ts';

describe.each(SERVICE_NAMES)('the service %s', (name) => {
  describe.skipIf(!hasServices(name))('once started', () => {
    let found: Service;
    beforeAll(async () => {
      found = await service(name);
    });

    it('listens on its ports', async () => {
      const { host, port, ports } = found;
      for (const each of [port, ...Object.values(ports)]) {
        const socket = connect({ host, port: each });
        await once(socket, 'connect');
        socket.destroy();
      }
      expect(port).toBeGreaterThan(1024);
    });

    it('is the same for everybody who asks', async () => {
      expect(await Promise.all([service(name), service(name)])).toEqual([found, found]);
    });
  });
});
