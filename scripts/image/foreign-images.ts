import { join } from "node:path";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import type { Log } from "../setup/log.ts";
import { CONTENT_LABEL, ensureBaseImage, WANTED_BASE } from "./base-image.ts";
import { buildOutput, docker, inspectImage, removeUnnamed } from "./docker.ts";

/** Images that are not ours, for tests: what a team may bring to have its own tools in a run. */
export const FOREIGN_IMAGES = {
  glibc: "windshift/foreign-glibc:local",
  musl: "windshift/foreign-musl:local",
} as const;
export type ForeignImage = keyof typeof FOREIGN_IMAGES;

const FOLDER = join(REPOSITORY_ROOT, "scripts/image/foreign");
const PARTS_LABEL = "org.windshift.stage=foreign-parts";
/** A few packages of Debian, ms. */
const BUILD_MS_MAX = 300_000;

/**
 * Builds a foreign image unless it is here already, made from the same files.
 * @returns its tag
 * @throws Error with the engine's words
 */
export async function ensureForeignImage(name: ForeignImage, log: Log): Promise<string> {
  const tag = FOREIGN_IMAGES[name];
  const base = await ensureBaseImage(WANTED_BASE, log);
  const content = await contentOf(name, base);
  if ((await inspectImage(tag, `{{index .Config.Labels "${CONTENT_LABEL}"}}`)) === content) return tag;
  const old = await inspectImage(tag, "{{.Id}}");
  log(`Building ${tag} ...`);
  const args = ["build", "--network", "host", "--file", join(FOLDER, `${name}.Dockerfile`)];
  const what = ["--build-arg", `BASE_IMAGE=${base}`, "--label", `${CONTENT_LABEL}=${content}`];
  const result = await docker([...args, ...what, "--tag", tag, FOLDER], { timeoutMs: BUILD_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`docker build of ${tag} failed:\n${buildOutput(result)}`);
  await removeUnnamed(old);
  // The engine keeps the stage that the parts came from; only ours has this label.
  await docker(["image", "prune", "--force", "--filter", `label=${PARTS_LABEL}`], {
    timeoutMs: BUILD_MS_MAX,
  });
  return tag;
}

async function contentOf(name: ForeignImage, base: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256").update(base);
  for (const file of [`${name}.Dockerfile`, "musl-shim.c"])
    hash.update(await Bun.file(join(FOLDER, file)).bytes());
  return hash.digest("hex");
}
