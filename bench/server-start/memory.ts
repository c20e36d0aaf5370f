import { z } from "zod";

/** Resident memory of a process as `ps` shows it, its part of the program file included; MB (10⁶ bytes). */
export async function residentMb(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const kib = z.coerce
    .number()
    .positive()
    .parse(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1]);
  return (kib * 1_024) / 1e6;
}
