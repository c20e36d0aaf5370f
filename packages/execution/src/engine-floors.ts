import { z } from "zod";

/** What `docker version --format '{{json .}}'` says of the engine. Podman without a service has only a client. */
export const EngineVersion = z.object({
  Client: z.object({ Version: z.string() }).nullish(),
  Server: z
    .object({
      Version: z.string(),
      Components: z.array(z.object({ Name: z.string(), Version: z.string() })).nullish(),
    })
    .nullish(),
});
export type EngineVersion = z.infer<typeof EngineVersion>;

/**
 * Releases with the fixes of the escapes a hostile container could use; a series between two of them has no fix. Source:
 * SECURITY SB-25 (CVE-2024-21626, CVE-2024-29018, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881).
 */
const FLOORS: Record<string, readonly string[]> = {
  Engine: ["23.0.11", "25.0.5", "26.0.0"],
  runc: ["1.2.8", "1.3.3", "1.4.0"],
};

/** Podman's own program tells no components; to Docker's program in front of it Podman is one. */
export function isPodman({ Server }: EngineVersion): boolean {
  return Server?.Components?.every(({ Name }) => Name !== "Podman Engine") !== true;
}

/** The engine's version in a few words: `version 27.3.1, runc 1.2.8`. */
export function describeEngine({ Client, Server }: EngineVersion): string {
  const version = `version ${Server?.Version ?? Client?.Version ?? "unknown"}`;
  const runc = Server?.Components?.find(({ Name }) => Name === "runc");
  return runc === undefined ? version : `${version}, runc ${runc.Version}`;
}

/** @returns what is below its floor and what to do, or undefined. A warning: distributions patch old versions. */
export function engineFloorWarning(version: EngineVersion): string | undefined {
  const old = flooredOf(version).filter(({ Name, Version }) => isBelow(Version, FLOORS[Name] ?? []));
  if (old.length === 0) return undefined;
  const named = old.map(({ Name, Version }) => `${Name} ${Version} is below ${FLOORS[Name]?.join(", ")}`);
  return `${named.join("; ")}. Update unless your distribution has put the fixes for container escapes of 2024 and 2025 into it.`;
}

/** Podman calls itself Engine too, and counts from 1; its runtime has another name: `OCI Runtime (runc)`, `runc version 1.2.8`. */
function flooredOf(version: EngineVersion): { Name: string; Version: string }[] {
  const components = version.Server?.Components ?? [];
  if (!isPodman(version)) return components;
  return components
    .filter(({ Name }) => Name === "OCI Runtime (runc)")
    .map(({ Version }) => ({ Name: "runc", Version: /[\d.]+/.exec(Version)?.[0] ?? Version }));
}

/** Fixed is: the release of its own series or a later one of it, or a series after the last that is named. */
function isBelow(version: string, floors: readonly string[]): boolean {
  if (floors.length === 0) return false;
  const [major = 0, minor = 0, patch = 0] = numbers(version);
  const own = floors.map(numbers).find(([x, y]) => x === major && y === minor);
  if (own !== undefined) return patch < (own[2] ?? 0);
  const [x = 0, y = 0] = numbers(floors.at(-1) ?? "");
  return major < x || (major === x && minor < y);
}

function numbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}
