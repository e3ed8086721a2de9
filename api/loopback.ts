const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/i;

/** Whether a host name, as URLs have it, is one of this machine alone. */
export const isLoopbackName = (name: string): boolean => LOOPBACK.test(name);

/** Whether an address to listen on can be reached from this machine alone. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host) || host === '::1';
