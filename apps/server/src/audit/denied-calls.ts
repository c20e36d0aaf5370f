import type { Queries } from "../db/database.ts";
import { nameOf, record } from "./audit-store.ts";

/** Denied calls of one attempt that are kept one by one; what follows adds nothing but bulk. */
export const DENIED_ROWS_MAX = 100;
/** Attempts that this process knows to have so many: those that try on and on, a few at a time. */
const FULL_ATTEMPTS_MAX = 1_000;
const DENIED = "run.denied";

/** Keeps that runs reached for what is not their own. An attempt that goes on and on soon costs the database nothing. */
export class DeniedCalls {
  readonly #full = new Set<string>();

  constructor(private readonly db: Queries) {}

  async record(
    run: { runId: number; attempt: number; workspaceId: number },
    method: string,
    path: string,
  ): Promise<void> {
    const actor = { run: run.runId, attempt: run.attempt };
    const name = nameOf(actor);
    if (this.#full.has(name)) return;
    const { count } = await this.db
      .selectFrom("audit_log")
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where("actor", "=", name)
      .where("action", "=", DENIED)
      .executeTakeFirstOrThrow();
    if (count >= DENIED_ROWS_MAX) return this.#remember(name);
    await record(this.db, {
      workspaceId: run.workspaceId,
      actor,
      action: DENIED,
      subject: `${method} ${encodeURI(path).slice(0, 200)}`,
    });
  }

  #remember(name: string): void {
    const [oldest] = this.#full;
    if (this.#full.size >= FULL_ATTEMPTS_MAX && oldest !== undefined) this.#full.delete(oldest);
    this.#full.add(name);
  }
}
