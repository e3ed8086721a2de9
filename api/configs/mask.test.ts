import { describe, expect, it } from 'vitest';
import { holdsLogin, maskSecrets } from './mask.ts';

describe('An address', () => {
  it.each(['http://u:hunter2@h', ' es+https://hunter2@h/x', 'u:hunter2@h:3306', 'u:hun/hunter2@h:3306', ':hunter2@h'])(
    'that holds a login is told, and shown without it: %s',
    (address) => {
      expect(holdsLogin(address)).toBe(true);
      expect(maskSecrets({ uri: address })).toEqual({ uri: expect.not.stringContaining('hunter2') as string });
    },
  );

  it.each(['h:3306', 'http://h:80/a@b', '/data/a:b@c', 'h:5432/a@b', 'https://h/x?mail=a@b', ''])(
    'that holds none is shown as it is: %s',
    (address) => {
      expect(holdsLogin(address)).toBe(false);
      expect(maskSecrets(address)).toBe(address);
    },
  );
});
