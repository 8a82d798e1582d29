/**
 * Whether the host of a URL is this machine, so that nobody reads on the way what is sent there
 * without TLS: an address of it, or `localhost`. Other names depend on a resolver and do not count.
 */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
