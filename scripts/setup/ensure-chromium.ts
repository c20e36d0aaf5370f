import { ensurePackages, findProgram, program } from "./ensure-packages.ts";
import type { Log } from "./log.ts";

export type Chromium = { kind: "ready"; path: string } | { kind: "unavailable"; why: string };

/** Chromium without the parts that only a window needs: a page costs it a fifth less of the processor. */
const HEADLESS = "chromium-headless-shell";
const NAMES = [HEADLESS, "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Finds Chromium (or Chrome) for the browser tests, best the one without windows; installs Debian's package of that, or of the other. */
export async function ensureChromium(log: Log): Promise<Chromium> {
  let packages = await ensurePackages([program(HEADLESS)], log);
  // Not every Debian has it.
  if (findChromium() === undefined) packages = await ensurePackages([program("chromium")], log);
  const path = findChromium();
  if (path !== undefined) return { kind: "ready", path };
  const why = packages.kind === "missing" ? packages.why : "Chromium was not found after the installation.";
  return { kind: "unavailable", why };
}

/** The absolute path of what browser tests drive, if this machine has one. */
export function findChromium(): string | undefined {
  return NAMES.map(findProgram).find((path) => path !== undefined);
}
