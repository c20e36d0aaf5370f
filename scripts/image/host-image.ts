import { cpSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import type { Log } from "../setup/log.ts";
import { ensureBuiltImage } from "./built-image.ts";
import { contentHash } from "./content-hash.ts";

/** For tests: a Debian with systemd, git, curl and the engine's command line, on which a runner can be installed. */
export const HOST_IMAGE = "windshift/runner-host:local";
const DOCKERFILE = "scripts/image/host/Dockerfile";

/** @throws Error with the engine's words */
export function ensureHostImage(log: Log): Promise<string> {
  const fill = async (folder: string) =>
    cpSync(join(REPOSITORY_ROOT, DOCKERFILE), join(folder, "Dockerfile"));
  return ensureBuiltImage({ tag: HOST_IMAGE, content: contentHash([DOCKERFILE]), fill, log });
}
