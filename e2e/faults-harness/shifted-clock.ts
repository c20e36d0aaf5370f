import { readFileSync } from "node:fs";

/**
 * Loaded before a program: its clock is off by FAULTS_CLOCK_OFFSET_MS; timers are not. At SIGUSR2 the offset is read anew from the
 * file FAULTS_CLOCK_FILE: the clock steps.
 */
let offsetMs = Number(process.env.FAULTS_CLOCK_OFFSET_MS ?? 0);
const file = process.env.FAULTS_CLOCK_FILE;

if (file !== undefined || offsetMs !== 0) {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [string | number]) {
      if (args.length === 0) super(RealDate.now() + offsetMs);
      else super(...args);
    }
    static override now(): number {
      return RealDate.now() + offsetMs;
    }
  } as DateConstructor;
}
if (file !== undefined)
  process.on("SIGUSR2", () => {
    offsetMs = Number(readFileSync(file, "utf8"));
  });
