import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@windshift/base/clock.ts";
import { AttemptResult } from "@windshift/contract/job.ts";
import { type BootId, HeldJob } from "@windshift/contract/runner.ts";
import { type AttemptSpool, type AttemptSpools, memoryAttempt } from "./attempt-spool.ts";
import type { HeldRun } from "./control-plane.ts";
import { DiskSpool } from "./disk-spool.ts";
import { writeDurably } from "./durable-file.ts";
import type { JobLog } from "./job-log.ts";

export interface DiskSpoolsOptions {
  /** Folder of all spools, absolute; made when it does not exist. */
  root: string;
  /** This start of the runner. */
  boot: BootId;
  clock: Clock;
  log: JobLog;
}

/** An attempt that ended before the server had all of it. */
export interface Leftover {
  held: HeldJob;
  events: DiskSpool;
  /** Null when the attempt came to none. */
  result: AttemptResult | null;
  /** See AttemptSpool; afterwards the leftover is no longer taken. */
  end(keep: boolean): Promise<void>;
}

const ATTEMPT_FILE = "attempt.json";
const RESULT_FILE = "result.json";
const FOLDER = /^\d+-\d+$/;

/**
 * A folder `<run>-<attempt>` below `root` for each attempt: `attempt.json` says whose it is (never a token), `events.jsonl`
 * and `progress.json` are its events, `result.json` its last word.
 */
export class DiskAttemptSpools implements AttemptSpools {
  /** Folders that somebody in this process works with. */
  private readonly taken = new Set<string>();

  constructor(private readonly options: DiskSpoolsOptions) {}

  /** A disk that takes no new spool costs the job nothing but the safety of one. */
  async open(job: HeldRun): Promise<AttemptSpool> {
    const { log } = this.options;
    const name = `${job.run_id}-${job.attempt}`;
    const dir = join(this.options.root, name);
    this.taken.add(name);
    try {
      const events = await this.make(dir, job);
      return {
        events,
        keepResult: (result) => this.keepResult(dir, events, result),
        end: (keep) => this.end(name, events, keep),
      };
    } catch (error) {
      log.error("an attempt has no spool on disk; its events stay in memory until they are delivered", {
        dir,
        error,
      });
      await removeFolder(dir, log);
      this.taken.delete(name);
      return memoryAttempt();
    }
  }

  /** Names of the folders that nobody in this process works with. */
  async names(): Promise<string[]> {
    const names = await readdir(this.options.root).catch(() => []);
    return names.filter((name) => FOLDER.test(name) && !this.taken.has(name)).sort();
  }

  /**
   * Takes a folder that `names` gave. One that does not say whose it is was being made, or removed, when its process died:
   * it holds nothing and goes.
   * @returns undefined when there is nothing to deliver
   */
  async take(name: string): Promise<Leftover | undefined> {
    const { clock, log, root } = this.options;
    if (this.taken.has(name)) return undefined;
    this.taken.add(name);
    const dir = join(root, name);
    try {
      const held = HeldJob.safeParse(await readJson(join(dir, ATTEMPT_FILE)));
      if (held.success) {
        const result = await this.readResult(dir);
        const events = await DiskSpool.open({ dir, clock, log });
        const end = (keep: boolean) => this.end(name, events, keep);
        return { held: held.data, events, result, end };
      }
      log.warn("a spool that does not say whose it is was removed", { dir });
      await removeFolder(dir, log);
    } catch (error) {
      log.error("the spool of an attempt cannot be read", { dir, error });
    }
    this.taken.delete(name);
    return undefined;
  }

  /**
   * Removes the folders of attempts that began longer ago than `ageMs` and that nobody in this process works with.
   * @returns their names
   */
  async dropOlderThan(ageMs: number): Promise<string[]> {
    const { clock, log, root } = this.options;
    const dropped: string[] = [];
    for (const name of await this.names()) {
      const dir = join(root, name);
      const begun = await stat(join(dir, ATTEMPT_FILE)).catch(() => undefined);
      if (begun === undefined || begun.mtimeMs > clock.nowMs() - ageMs || this.taken.has(name)) continue;
      this.taken.add(name);
      await removeFolder(dir, log);
      this.taken.delete(name);
      dropped.push(name);
    }
    return dropped;
  }

  private async make(dir: string, job: HeldRun): Promise<DiskSpool> {
    const { boot, clock, log, root } = this.options;
    await mkdir(root, { recursive: true, mode: 0o700 });
    // A claim that was answered twice begins anew, and so do its numbers.
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { mode: 0o700 });
    const held: HeldJob = { run: job.run_id, attempt: job.attempt, boot };
    await writeDurably(join(dir, ATTEMPT_FILE), JSON.stringify(held));
    return await DiskSpool.open({ dir, clock, log });
  }

  private async readResult(dir: string): Promise<AttemptResult | null> {
    const kept = await readJson(join(dir, RESULT_FILE));
    if (kept === undefined) return null;
    const result = AttemptResult.safeParse(kept);
    if (!result.success)
      this.options.log.error("a result was kept that this version cannot read; its run has to be run again", {
        dir,
        error: result.error,
      });
    return result.data ?? null;
  }

  private async keepResult(dir: string, events: DiskSpool, result: AttemptResult): Promise<void> {
    try {
      await events.sync();
      await writeDurably(join(dir, RESULT_FILE), JSON.stringify(result));
    } catch (error) {
      this.options.log.error("the result of an attempt cannot be kept on disk; it is only told", {
        dir,
        error,
      });
    }
  }

  private async end(name: string, events: DiskSpool, keep: boolean): Promise<void> {
    const { log, root } = this.options;
    const dir = join(root, name);
    try {
      await events.close();
      if (!keep) await removeFolder(dir, log);
    } catch (error) {
      log.error("the spool of an attempt was not closed", { dir, error });
    }
    this.taken.delete(name);
  }
}

/** `attempt.json` goes first: a folder without it is nobody's. */
async function removeFolder(dir: string, log: JobLog): Promise<void> {
  try {
    await rm(join(dir, ATTEMPT_FILE), { force: true });
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    log.error("the spool of an attempt was not removed", { dir, error });
  }
}

/** @returns undefined when there is no such file or it is no JSON */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
