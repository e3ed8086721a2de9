import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Names for well-known ranges, beside addresses and ranges such as `10.0.0.0/8`. */
const NAMED_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'],
  // Where clouds serve machines their credentials.
  'link-local': ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128'],
  unspecified: ['0.0.0.0/8', '::/128'],
};

export interface AddressRulesOptions {
  /** Addresses, ranges or names of ranges that requests may go to although `deny` has them. */
  readonly allow?: readonly string[];
  /** Those that requests may not go to; `link-local` unless set. */
  readonly deny?: readonly string[];
}

/** A request was not sent, because its address is denied. */
export class AddressDenied extends Error {
  override readonly name = 'AddressDenied';
}

type LookupCallback = (err: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** Which addresses requests of tasks may go to. Checked on what a name resolves to, at the moment of connecting. */
export class AddressRules {
  readonly #allow: BlockList;
  readonly #deny: BlockList;

  /** Throws when a rule is no address, range or known name. */
  constructor(options: AddressRulesOptions = {}) {
    this.#allow = toList(options.allow ?? []);
    this.#deny = toList(options.deny ?? ['link-local']);
  }

  /** `address` without brackets. */
  isDenied(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    return this.#deny.check(address, family) && !this.#allow.check(address, family);
  }

  /** Throws `AddressDenied` when the host is an address and denied; names are checked by `lookup`. */
  checkLiteral(host: string): void {
    const address = host.replace(/^\[|\]$/g, '');
    if (isIP(address) !== 0 && this.isDenied(address)) throw denied(address);
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

const denied = (what: string): AddressDenied =>
  new AddressDenied(`the agent's configuration does not allow requests to ${what}`);

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
