import type { Database } from "../db/database.ts";
import { type HoldAsk, type HoldReply, holdAmounts } from "./hold-store.ts";

/** Holds that are filled in one transaction; the rest waits for the next. */
const ASKS_MAX = 200;

interface Waiting {
  ask: HoldAsk;
  resolve(reply: HoldReply): void;
  reject(error: unknown): void;
}

/**
 * Fills holds together: all that ask while a transaction is under way share the next one, so that many runs at once
 * cost the database as much as one.
 */
export class HoldQueue {
  private waiting: Waiting[] = [];
  private busy = false;

  constructor(private readonly database: Database) {}

  /** Committed when it resolves. Rejects when the database cannot write it. A hold asks again when it was answered. */
  fill(ask: HoldAsk): Promise<HoldReply> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ask, resolve, reject });
      if (this.busy) return;
      this.busy = true;
      // After the calls that arrived at the same moment.
      setImmediate(() => void this.fillAll());
    });
  }

  private async fillAll(): Promise<void> {
    while (this.waiting.length > 0) await this.fillTogether(this.waiting.splice(0, ASKS_MAX));
    this.busy = false;
  }

  /** Never rejects. What fails for many may be the fault of one, so each then tries alone. */
  private async fillTogether(group: Waiting[]): Promise<void> {
    try {
      const replies = await holdAmounts(
        this.database,
        group.map(({ ask }) => ask),
      );
      for (const [at, reply] of replies.entries()) group[at]?.resolve(reply);
    } catch (error) {
      if (group.length === 1) group[0]?.reject(error);
      else for (const one of group) await this.fillTogether([one]);
    }
  }
}
