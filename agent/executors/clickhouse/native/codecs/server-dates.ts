import { TimeZone } from './time-zone.ts';

/** How a server shows dates and times. */
export class ServerDates {
  readonly serverZone: string;
  /** How it writes the first moment of 1970, where not as that: a stand-in for no date, up to version 19. */
  readonly zeroText: string | undefined;
  readonly #zones = new Map<string, TimeZone>();

  constructor(server: { readonly timezone: string; readonly major: number }) {
    this.serverZone = server.timezone;
    this.zeroText = server.major < 20 ? '0000-00-00 00:00:00' : undefined;
  }

  /** Undefined when this host knows no such time zone. */
  zone(name: string): TimeZone | undefined {
    let zone = this.#zones.get(name);
    if (zone !== undefined) return zone;
    try {
      zone = new TimeZone(name);
    } catch (err) {
      if (err instanceof RangeError) return undefined;
      throw err;
    }
    this.#zones.set(name, zone);
    return zone;
  }
}
