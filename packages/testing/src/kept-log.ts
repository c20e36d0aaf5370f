import { closeSync, copyFileSync, linkSync, openSync } from "node:fs";
import { basename, join } from "node:path";

/** Set by `npm test`: a folder where the logs of all programs of the test run come together, to be searched at its end (RT-16). */
export const LOG_DIR = "WINDSHIFT_TEST_LOG_DIR";

let kept = 0;

/**
 * Gives a program's log file a second name in the folder, before the program starts: it is there to the end of the test run,
 * whatever becomes of the first and of the test. Does nothing outside of `npm test`.
 * @param file made when it does not exist
 */
export function keepLog(file: string, env: Record<string, string | undefined> = process.env): void {
  const dir = env[LOG_DIR];
  if (dir === undefined || dir === "") return;
  closeSync(openSync(file, "a"));
  const name = join(dir, `${process.pid}-${++kept}-${basename(file)}`);
  try {
    linkSync(file, name);
  } catch {
    // On another file system: what is there so far.
    copyFileSync(file, name);
  }
}
