import { ensurePackages, findProgram } from "./ensure-packages.ts";
import type { Log } from "./log.ts";

export type Chromium = { kind: "ready"; path: string } | { kind: "unavailable"; why: string };

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Finds Chromium (or Chrome) for the browser tests; installs Debian's package when there is none. */
export async function ensureChromium(log: Log): Promise<Chromium> {
  const packages = await ensurePackages(
    [{ package: "chromium", present: () => findChromium() !== undefined }],
    log,
  );
  if (packages.kind === "missing") return { kind: "unavailable", why: packages.why };
  const path = findChromium();
  return path === undefined
    ? { kind: "unavailable", why: "Chromium was not found after the installation." }
    : { kind: "ready", path };
}

function findChromium(): string | undefined {
  return NAMES.map(findProgram).find((path) => path !== undefined);
}
