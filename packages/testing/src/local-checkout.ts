import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { git } from "@windshift/base/git.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { AttemptPaths, Checkout, PrepareReply, PushReply } from "@windshift/execution/checkout.ts";

const GIT_MS_MAX = 30_000;

/** Git work without a broker, for tests of what surrounds it: real git, a bare repository in a folder as the forge. */
export class LocalCheckout implements Checkout {
  readonly forge: string;
  readonly closed: string[] = [];
  pushes = 0;

  private constructor(
    private readonly root: string,
    private readonly removeDir: (dir: string) => Promise<void>,
    private readonly owner: { uid: number; gid: number } | null,
  ) {
    this.forge = join(root, "forge.git");
  }

  /** A forge with one commit on `main`. */
  static async make(
    root: string,
    removeDir: (dir: string) => Promise<void>,
    owner: { uid: number; gid: number } | null = null,
  ): Promise<LocalCheckout> {
    const made = new LocalCheckout(root, removeDir, owner);
    const seed = await mkdtemp(join(root, "seed-"));
    await run(["init", "--quiet", "--initial-branch=main", seed]);
    await Bun.write(join(seed, "README"), "hello\n");
    await run(["-C", seed, "add", "README"]);
    await run(["-C", seed, ...AUTHOR, "commit", "--quiet", "-m", "first"]);
    await run(["clone", "--quiet", "--bare", seed, made.forge]);
    return made;
  }

  async open(job: JobSpec): Promise<AttemptPaths> {
    const root = join(this.root, `run-${job.run_id}-${job.attempt}`);
    const checkout = join(root, "checkout");
    await mkdir(checkout, { recursive: true });
    const closed = false;
    return { root, checkout, closed, bundle: join(root, "export.bundle"), clean: join(root, "clean") };
  }

  async prepare(job: JobSpec, paths: AttemptPaths): Promise<PrepareReply> {
    await run(["clone", "--quiet", "--no-hardlinks", this.forge, paths.checkout]);
    await run(["-C", paths.checkout, "checkout", "--quiet", "-b", job.repo.branch]);
    const base = await run(["-C", paths.checkout, "rev-parse", "HEAD"]);
    if (this.owner !== null)
      Bun.spawnSync(["chown", "-R", `${this.owner.uid}:${this.owner.gid}`, paths.checkout]);
    return { kind: "prepared", base_oid: base };
  }

  async push(job: JobSpec, paths: AttemptPaths, _baseOid: string): Promise<PushReply> {
    this.pushes++;
    await run(["-C", this.forge, "fetch", "--quiet", paths.bundle, `+HEAD:refs/heads/${job.repo.branch}`]);
    return { kind: "pushed", head_oid: await this.headOf(job.repo.branch), commits: 1, flattened: false };
  }

  async close(paths: AttemptPaths): Promise<void> {
    await this.removeDir(paths.root);
    this.closed.push(paths.root);
  }

  /** @returns "" when the forge has no such branch */
  async headOf(branch: string): Promise<string> {
    return run(["-C", this.forge, "for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`]);
  }
}

const AUTHOR = ["-c", "user.name=Seed", "-c", "user.email=seed@windshift.local"];

async function run(args: string[]): Promise<string> {
  const result = await git(args, { timeoutMs: GIT_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trim();
}
