/**
 * Whether a Secret may be sent to a host (design.md §3, `tiangong.io/allowed-hosts`): `undefined` allows any; an entry is
 * `host`, `host:port`, or `*.domain` for everything below a domain.
 */
export function mayBeSentTo(
  allowedHosts: readonly string[] | undefined,
  host: string,
  port: number | undefined,
): boolean {
  if (allowedHosts === undefined) return true;
  const asked = host.toLowerCase();
  return allowedHosts.some((entry) => {
    const wanted = entry.trim().toLowerCase();
    if (wanted === asked || (port !== undefined && wanted === `${asked}:${String(port)}`)) return true;
    return wanted.startsWith('*.') && asked.endsWith(wanted.slice(1));
  });
}
