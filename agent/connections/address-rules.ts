import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { embeddedIpv4 } from './embedded-ipv4.ts';

/** Names for well-known ranges, beside addresses and ranges such as `10.0.0.0/8`. */
const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  // Where clouds serve machines their credentials: most at 169.254.169.254; besides, AWS (all that it keeps for itself, among
  // them EKS Pod Identity), Google, Alibaba, Oracle's older cloud and Azure's WireServer.
  metadata: [
    ...['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254/128'],
    ...['100.100.100.200/32', '192.0.0.192/32', '168.63.129.16/32'],
    // By IPv6: Oracle, Alibaba, Scaleway, Akamai.
    ...['fd00:c1::a9fe:a9fe/128', 'fd00:100::100:200/128', 'fd00:42::42/128', 'fd00:a9fe:a9fe::1/128'],
  ],
  unspecified: ['0.0.0.0/8', '::/128'],
};

export interface AddressRulesOptions {
  /** Addresses, ranges or names of ranges that requests may go to although `deny` has them. */
  readonly allow?: readonly string[];
  /** Those that requests may not go to; `link-local` and `metadata` unless set. */
  readonly deny?: readonly string[];
}

/** A request was not sent, because its address is denied. */
export class AddressDenied extends Error {
  override readonly name = 'AddressDenied';
}

type LookupCallback = (err: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** Which addresses requests of tasks and syncs may go to. Checked on what a name resolves to, at the moment of connecting. */
export class AddressRules {
  readonly #allow: BlockList;
  readonly #deny: BlockList;

  /** Throws when a rule is no address, range or known name. */
  constructor(options: AddressRulesOptions = {}) {
    this.#allow = toList(options.allow ?? []);
    this.#deny = toList(options.deny ?? ['link-local', 'metadata']);
  }

  /** `address` without brackets. An IPv6 address that leads to an IPv4 address is denied as that is, too. */
  isDenied(address: string): boolean {
    const [plain = ''] = address.split('%');
    const inner = embeddedIpv4(plain);
    return [plain, ...(inner === undefined ? [] : [inner])].some((one) => {
      const family = isIP(one) === 6 ? 'ipv6' : 'ipv4';
      return this.#deny.check(one, family) && !this.#allow.check(one, family);
    });
  }

  /** What is wrong with a host that is an address, in any spelling, and denied; names are checked by `lookup`. */
  faultOf(host: string): AddressDenied | undefined {
    const address = addressIn(host);
    return isIP(address) !== 0 && this.isDenied(address) ? denied(address) : undefined;
  }

  /** Throws what `faultOf` finds. */
  checkLiteral(host: string): void {
    const fault = this.faultOf(host);
    if (fault !== undefined) throw fault;
  }

  /** Resolves a name as `dns.lookup` does, but gives only addresses that are allowed; for `net.connect`. */
  readonly lookup = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, { ...options, all: true }, (err, addresses) => {
      if (err !== null) {
        callback(err, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => !this.isDenied(address));
      const first = allowed[0];
      if (first === undefined)
        callback(denied(`${hostname} (${addresses.map(({ address }) => address).join(', ')})`), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** For what the agent's configuration does not speak of. */
export const defaultAddressRules = new AddressRules();

/** `0xa9fea9fe` is an address too, for URLs: whoever makes one of it connects without looking anything up. */
function addressIn(host: string): string {
  const plain = host.replace(/^\[|\]$/g, '');
  return isIP(plain) === 0 ? (URL.parse(`http://${plain}`)?.hostname ?? plain) : plain;
}

function denied(what: string): AddressDenied {
  return new AddressDenied(`requests to ${what} are not allowed on this agent`);
}

function toList(rules: readonly string[]): BlockList {
  const list = new BlockList();
  for (const rule of rules.flatMap((name) => NAMED_RANGES[name] ?? [name])) {
    const [address = '', prefix] = rule.split('/');
    const version = isIP(address);
    const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix);
    if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > (version === 6 ? 128 : 32))
      throw new Error(`${rule} is no address, no range and none of ${Object.keys(NAMED_RANGES).join(', ')}`);
    list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
