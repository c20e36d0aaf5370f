import { LONG_POLL_MS_MAX } from "@windshift/contract/limits.ts";

/** What a claim may take beyond its wait, and the pause after one that failed, ms; both doubled, for a loaded host. */
const CLAIM_SLACK_MS = 90_000;
/** What a heartbeat may take beyond its interval, ms: its own limit, doubled. */
const HEARTBEAT_SLACK_MS = 60_000;

/** What runs on this host now. */
export interface HostLoad {
  held: number;
  capacity: number;
  draining: boolean;
}

export interface HealthOptions {
  pollIntervalMs: number;
  heartbeatMs: number;
  load: () => HostLoad;
  /** Of a clock that never goes back. */
  nowMs?: () => number;
}

/**
 * Whether the loop of this host still turns: a claim, or a heartbeat while something runs, has come to an end not longer ago
 * than it may take. An end is an end, also when no server was reached: starting again would not bring it back.
 */
export class HostHealth {
  private readonly nowMs: () => number;
  private claimedAtMs: number;
  private beatAtMs: number;

  constructor(private readonly options: HealthOptions) {
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.claimedAtMs = this.nowMs();
    this.beatAtMs = this.nowMs();
  }

  /** A claim came to an end, or a place got free for one. */
  claimDue(): void {
    this.claimedAtMs = this.nowMs();
  }

  /** A heartbeat came to an end, or the first job began. */
  heartbeatDue(): void {
    this.beatAtMs = this.nowMs();
  }

  /** @returns what stands still and for how long, or undefined when all is well */
  problem(): string | undefined {
    const { held, capacity, draining } = this.options.load();
    const { pollIntervalMs, heartbeatMs } = this.options;
    const claimMs = this.nowMs() - this.claimedAtMs;
    if (!draining && held < capacity && claimMs > LONG_POLL_MS_MAX + pollIntervalMs + CLAIM_SLACK_MS)
      return `no claim has ended for ${Math.round(claimMs / 1_000)} s`;
    const beatMs = this.nowMs() - this.beatAtMs;
    if (held > 0 && beatMs > 2 * heartbeatMs + HEARTBEAT_SLACK_MS)
      return `no heartbeat has ended for ${Math.round(beatMs / 1_000)} s`;
    return undefined;
  }
}
