import { AppError } from "@windshift/contract/app-error.ts";
import type { RouteTable } from "../http/route-table.ts";
import { installScript } from "./runner-install.ts";
import { RunnerInstallPrograms } from "./runner-install-programs.ts";

export interface RunnerInstallParts {
  /** As hosts reach the server, without a trailing slash. */
  baseUrl: string;
  /** Folder of the built programs, absolute; undefined where there is none. */
  runnerPrograms?: string | undefined;
  /** Agent image that new runners are given unless they name another. */
  runnerImage?: string | undefined;
}

const FRESH = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

/** What a host installs a runner from. Public: nothing in it is secret, and a host has no credential yet. */
export function addRunnerInstallRoutes(table: Pick<RouteTable, "mount">, parts: RunnerInstallParts): void {
  const { baseUrl, runnerImage: image } = parts;
  const programs = new RunnerInstallPrograms(parts.runnerPrograms);
  table.mount(["GET"], "/api/runner-install.sh", "public", async () => {
    const text = installScript({ baseUrl, image, programs: await programs.sums() });
    return new Response(text, { headers: { ...FRESH, "content-type": "text/x-shellscript; charset=utf-8" } });
  });
  table.mount(["GET"], "/api/runner-download/:program/:target", "public", async (c) => {
    const { program = "", target = "" } = c.req.param();
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
