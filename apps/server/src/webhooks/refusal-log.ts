import { type Clock, systemClock } from "@windshift/base/clock.ts";
import type { Log } from "../http/log.ts";

/** Time between two lines on refused deliveries of one connection, ms: anybody may send them. */
const REFUSAL_LOG_MS = 60_000;
/** Connections told apart; those of no connection are one, so more than this is a large installation. */
const REFUSAL_CONNECTIONS_MAX = 1_000;

/** Logs refused deliveries: the first of a connection at once, then how many came, once in a while. */
export class RefusalLog {
  private readonly told = new Map<number | undefined, { atMs: number; since: number }>();
  constructor(
    private readonly log: Log,
    private readonly clock: Pick<Clock, "nowMs"> = systemClock,
  ) {}

  /** @param connection undefined when there is none of that number */
  note(connection: number | undefined, why: string): void {
    const last = this.told.get(connection);
    const now = this.clock.nowMs();
    if (last !== undefined && now - last.atMs < REFUSAL_LOG_MS) {
      last.since += 1;
      return;
    }
    if (this.told.size >= REFUSAL_CONNECTIONS_MAX) this.told.clear();
    this.told.set(connection, { atMs: now, since: 0 });
    this.log.warn({ connection, why, not_logged: last?.since ?? 0 }, "a webhook was refused");
  }
}
