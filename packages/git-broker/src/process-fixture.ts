import { join } from "node:path";

/** One of the programs `*-process.fixture.ts`, running. For tests and benchmarks only. */
export interface FixtureProcess {
  pid: number;
  /** What it printed first. */
  address: string;
  /** Resident memory, bytes. */
  rss(): Promise<number>;
  stop(): Promise<void>;
}

export async function startFixture(
  program: "forge" | "broker",
  ...args: readonly string[]
): Promise<FixtureProcess> {
  const file = join(import.meta.dir, `${program}-process.fixture.ts`);
  const child = Bun.spawn([process.execPath, file, ...args], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  if (value === undefined) throw new Error(`${program} did not start`);
  return {
    pid: child.pid,
    address: Buffer.from(value).toString().trim(),
    async rss() {
      const status = await Bun.file(`/proc/${child.pid}/status`).text();
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
    },
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}
