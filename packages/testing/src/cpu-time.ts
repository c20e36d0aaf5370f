/**
 * Processor time this process takes for some work, ms. Unlike the time on the wall it does not grow with what else the machine
 * does, so a bound on it holds on a busy one.
 */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
