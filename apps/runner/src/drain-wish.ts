import type { JobLog } from "@windshift/execution/job-log.ts";

/**
 * Whether an administrator wants this host to take no more work, as last heard. Only to be told: the server keeps to it by itself, and
 * a host that said so of itself could not hear that it is over.
 */
export class DrainWish {
  private asked = false;

  constructor(private readonly log: JobLog) {}

  get stands(): boolean {
    return this.asked;
  }

  /** A heartbeat was answered. */
  heard(drain: boolean): void {
    if (drain === this.asked) return;
    this.asked = drain;
    this.log.info(
      drain
        ? "an administrator asked this runner to take no more for now"
        : "an administrator lets this runner take work again",
    );
  }

  /** Work came. Heartbeats are sent only while something runs: a host that had run dry learns from work that it is wanted again. */
  workCame(): void {
    this.heard(false);
  }
}
