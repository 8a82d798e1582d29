/** CPU time used by this process, in milliseconds. A bound on it also holds on a busy machine. */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
