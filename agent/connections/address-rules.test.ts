import { describe, expect, it } from 'vitest';
import { AddressRules } from './address-rules.ts';
import { embeddedIpv4 } from './embedded-ipv4.ts';

describe('AddressRules', () => {
  const rules = new AddressRules();

  it.each([
    ['AWS, Azure, Google and most others', '169.254.169.254'],
    ['tasks of AWS ECS', '169.254.170.2'],
    ['AWS by IPv6', 'fd00:ec2::254'],
    ['pods of AWS EKS', 'fd00:ec2::23'],
    ['Google by IPv6', 'fd20:ce::254'],
    ['Alibaba', '100.100.100.200'],
    ['Oracle, older', '192.0.0.192'],
    ["Azure's WireServer", '168.63.129.16'],
    ['Oracle by IPv6', 'fd00:c1::a9fe:a9fe'],
    ['Alibaba by IPv6', 'fd00:100::100:200'],
    ['Scaleway by IPv6', 'fd00:42::42'],
    ['Akamai by IPv6', 'fd00:a9fe:a9fe::1'],
    ['OpenStack by IPv6', 'fe80::a9fe:a9fe'],
    ['the same with a zone', 'fe80::a9fe:a9fe%eth0'],
    ['an IPv4-mapped address', '::ffff:169.254.169.254'],
    ['the same in hexadecimal', '::ffff:a9fe:a9fe'],
    ['an IPv4-compatible address', '::a9fe:a9fe'],
    ['a translated address', '::ffff:0:a9fe:a9fe'],
    ['NAT64', '64:ff9b::a9fe:a9fe'],
    ['NAT64 to another', '64:ff9b::100.100.100.200'],
    ['NAT64 of a site', '64:ff9b:1::a9fe:a9fe'],
    ['6to4', '2002:a9fe:a9fe::1'],
    ['Teredo', '2001:0:1:2:3:4:5601:5601'],
  ])('denies where clouds serve credentials unless told otherwise: %s', (_cloud, address) => {
    expect(rules.isDenied(address)).toBe(true);
    expect(() => rules.checkLiteral(address.includes(':') ? `[${address}]` : address)).toThrow('are not allowed');
  });

  it.each([
    '2852039166',
    '0xa9fea9fe',
    '0xa9.0xfe.0xa9.0xfe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '169.254.169.254.',
  ])('denies %s, which clients of HTTP read as an address and connect to without looking it up', (host) =>
    expect(() => rules.checkLiteral(host)).toThrow('requests to 169.254.169.254 are not allowed'),
  );

  it.each(['db', 'db.example.com.', '2130706433', 'no host', 'a%2fb', '169.254.169.254.example.com', ''])(
    'leaves the name %j to be looked up',
    (host) => expect(rules.faultOf(host)).toBeUndefined(),
  );

  it.each([
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '100.100.100.201',
    '192.0.0.191',
    'fd00::1',
    '2001:db8::a9fe:a9fe',
    '::ffff:10.0.0.1',
  ])('lets %s be asked', (address) => expect(rules.isDenied(address)).toBe(false));

  it('allows by the address that it leads to as well', () => {
    const own = new AddressRules({ allow: ['169.254.10.0/24'] });
    expect(own.isDenied('169.254.10.1')).toBe(false);
    expect(own.isDenied('::ffff:169.254.10.1')).toBe(false);
    expect(own.isDenied('::ffff:169.254.11.1')).toBe(true);
  });

  it('gives no address of a name that resolves to denied ones only', async () => {
    const own = new AddressRules({ deny: ['loopback'] });
    const asked = new Promise((resolve, reject) => {
      own.lookup('localhost', { all: true }, (err, addresses) => (err === null ? resolve(addresses) : reject(err)));
    });
    await expect(asked).rejects.toThrow(/requests to localhost \(.*\) are not allowed/);
  });
});

describe('embeddedIpv4', () => {
  it.each([
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['64:ff9b::102:304', '1.2.3.4'],
    ['2002:102:304::', '1.2.3.4'],
    ['2001::fefd:fcfb', '1.2.3.4'],
    ['::1.2.3.4', '1.2.3.4'],
    ['2001:db8::1', undefined],
    ['1.2.3.4', undefined],
    ['nonsense', undefined],
  ])('of %s is %s', (address, expected) => expect(embeddedIpv4(address)).toBe(expected));
});
