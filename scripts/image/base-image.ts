import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, hostArchitecture } from "../build/programs.ts";
import { ensurePackages, program } from "../setup/ensure-packages.ts";
import type { Log } from "../setup/log.ts";
import { findPrivilege, type Privilege } from "../setup/privilege.ts";
import { docker, inspectImage } from "./docker.ts";
import { imageArchive } from "./image-archive.ts";
import { runAsRoot } from "./root-command.ts";

/** The base of the Dockerfiles, used where a registry can be reached. */
export const WANTED_BASE = "debian:bookworm-slim";
/** What an image was built from; the same content is not built again. */
export const CONTENT_LABEL = "org.windshift.content";
/** The id of the base an image of ours was built on. */
export const BASE_LABEL = "org.windshift.base";
/** Made here when no registry can be reached. */
export const LOCAL_BASE = "windshift/base:bookworm";
const SUITE = "bookworm";
const MIRROR = "http://deb.debian.org/debian";
const SECURITY_MIRROR = "http://deb.debian.org/debian-security";
/** /tmp is often mounted so that no system can be installed into it. */
const WORK_DIR = "/var/tmp";

/** A registry that has not sent the image by then is treated as out of reach, ms. */
const PULL_MS_MAX = 15_000;
const IMPORT_MS_MAX = 300_000;

/**
 * Gives an image to build on: `wanted` when it is here or a registry sends it in time, else one made from Debian's packages.
 * @param architecture another than this machine's needs its programs to run here (scripts/image/foreign-machine.ts)
 * @returns the reference for `FROM`
 * @throws Error that says what is missing
 */
export async function ensureBaseImage(
  wanted: string,
  log: Log,
  architecture: Architecture = hostArchitecture(),
): Promise<string> {
  if ((await inspectImage(wanted, "{{.Architecture}}")) === architecture) return wanted;
  const local = architecture === hostArchitecture() ? LOCAL_BASE : `${LOCAL_BASE}-${architecture}`;
  const made = await inspectImage(local, `{{index .Config.Labels "${CONTENT_LABEL}"}}`);
  if (made === contentOfBase()) return local;
  log(`Pulling ${wanted} ...`);
  const pull = await docker(["pull", "--quiet", "--platform", `linux/${architecture}`, wanted], {
    timeoutMs: PULL_MS_MAX,
  });
  if (pull.exitCode === 0) return wanted;
  log(`No registry sends it; making ${local} from Debian's packages (under a minute, once) ...`);
  await makeBaseImage(local, architecture, log);
  return local;
}

/** Installs a minimal Debian into a folder and imports it as `tag`. Needs root or sudo. */
async function makeBaseImage(tag: string, architecture: Architecture, log: Log): Promise<void> {
  const packages = await ensurePackages([program("debootstrap")], log);
  if (packages.kind === "missing") throw new Error(packages.why);
  const privilege = await findPrivilege();
  const parent = mkdtempSync(join(WORK_DIR, "windshift-base-"));
  // A folder of its own inside: the 0700 of the parent must not become the mode of the image's root.
  const root = join(parent, "rootfs");
  try {
    const onLine = stepLogger(log);
    await runAsRoot(
      privilege,
      ["debootstrap", `--arch=${architecture}`, "--variant=minbase", SUITE, root, MIRROR],
      onLine,
    );
    await runAsRoot(privilege, ["sh", "-euc", TRIM, "trim", root]);
    log(`Importing ${tag} ...`);
    await importTree(privilege, { root, archive: join(parent, "image.tar"), tag, architecture });
  } finally {
    await runAsRoot(privilege, ["rm", "-rf", "--one-file-system", parent]);
  }
}

/**
 * Leaves out what Debian's own slim images leave out, and adds the archives of updates, which debootstrap does not name. The
 * folders stay: dpkg rewrites its list of every package that has lost one, in a layer of each image built on this.
 */
const TRIM = `
cd "$1"
find usr/share/doc -type f ! -name copyright -delete
find usr/share/man usr/share/locale usr/share/info usr/share/lintian ! -type d -delete
rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/*.log var/log/apt etc/resolv.conf etc/hostname
cat > etc/apt/sources.list <<EOF
deb ${MIRROR} ${SUITE} main
deb ${MIRROR} ${SUITE}-updates main
deb ${SECURITY_MIRROR} ${SUITE}-security main
EOF
`;

/** What the base is made from, as far as it is ours to say: the packages are Debian's. */
function contentOfBase(): string {
  return new Bun.CryptoHasher("sha256").update(`${SUITE}\0${TRIM}`).digest("hex");
}

/** debootstrap names every package; a person wants to see that it goes on: one line for each new step. */
function stepLogger(log: Log): Log {
  const seen = new Set<string>();
  return (line) => {
    const step = /^I: (Retrieving|Extracting|Unpacking|Configuring) /.exec(line)?.[1];
    if (step === undefined || seen.has(step)) return;
    seen.add(step);
    log(`  debootstrap: ${step.toLowerCase()} packages ...`);
  };
}

/** `docker import` takes every tree for one of the machine it runs on; an archive says what it is. */
async function importTree(
  privilege: Privilege,
  image: { root: string; archive: string; tag: string; architecture: Architecture },
): Promise<void> {
  const { root, archive, tag, architecture } = image;
  const layer = `${archive}.layer`;
  await runAsRoot(privilege, ["tar", "--numeric-owner", "-C", root, "-cf", layer, "."]);
  const labels = { [CONTENT_LABEL]: contentOfBase() };
  const comment = "minimal Debian made with debootstrap";
  await imageArchive({ layer, tag, architecture, labels, comment }, archive);
  const result = await docker(["load", "--quiet", "--input", archive], { timeoutMs: IMPORT_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`docker load failed: ${result.stderr.trim()}`);
}
