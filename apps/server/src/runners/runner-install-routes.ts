import { AppError } from "@windshift/contract/app-error.ts";
import { addressOf } from "../http/api-env.ts";
import type { RouteTable } from "../http/route-table.ts";
import { TryLimit } from "../http/try-limit.ts";
import { installScript } from "./runner-install.ts";
import { RunnerInstallPrograms } from "./runner-install-programs.ts";

export interface RunnerInstallParts {
  /** As hosts reach the server, without a trailing slash. */
  baseUrl: string;
  /** Folder of the built programs, absolute; undefined where there is none. */
  runnerPrograms?: string | undefined;
  /** Agent image that new runners are given unless they name another. */
  runnerImage?: string | undefined;
  /** Programs that one address is given in a window. */
  downloadsMax?: number | undefined;
}

/**
 * Programs that one address is given in a window: enough for hundreds of hosts behind one proxy, two programs each, and too few for
 * somebody who has no account to fill the server's line with them.
 */
const DOWNLOADS_MAX = 600;
/** The window, ms: whoever was refused is let in again after a coffee. */
const DOWNLOADS_WINDOW_MS = 600_000;

const FRESH = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** What a host installs a runner from. Public: nothing in it is secret, and a host has no credential yet. */
export function addRunnerInstallRoutes(table: Pick<RouteTable, "mount">, parts: RunnerInstallParts): void {
  const { baseUrl, runnerImage: image } = parts;
  const programs = new RunnerInstallPrograms(parts.runnerPrograms);
  const downloads = new TryLimit({
    tries: parts.downloadsMax ?? DOWNLOADS_MAX,
    windowMs: DOWNLOADS_WINDOW_MS,
  });
  table.mount(["GET"], "/api/runner-install.sh", "public", async () => {
    const text = installScript({ baseUrl, image, programs: await programs.sums() });
    return new Response(text, { headers: { ...FRESH, "content-type": "text/x-shellscript; charset=utf-8" } });
  });
  table.mount(["GET"], "/api/runner-download/:program/:target", "public", async (c) => {
    const { program = "", target = "" } = c.req.param();
    downloads.require(addressOf(c));
    const path = await programs.find(program, target);
    if (path === undefined)
      throw new AppError(
        "not_found",
        "this server has no such program for that kind of host; WINDSHIFT_RUNNER_PROGRAMS names the folder of those it has",
      );
    return new Response(Bun.file(path), {
      headers: { ...FRESH, "content-type": "application/octet-stream" },
    });
  });
}
