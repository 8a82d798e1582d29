/**
 * What this process has computed, in milliseconds: a bound on it holds on a machine that others
 * use, too.
 */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
