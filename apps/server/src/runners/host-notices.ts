import type { AttemptNews, NoticesRequest } from "@windshift/contract/runner.ts";
import type { Database } from "../db/database.ts";
import { waitForSignal } from "../db/signals.ts";
import { deliverAfter } from "../runs/message-delivery.ts";
import type { Host } from "./runner-credential.ts";

type Held = NoticesRequest["held"][number];

/** Wait between looks at the database when no signal comes, ms: a lost signal delays, it never loses. */
const LOOK_MS = 5_000;

/** What people want of the attempts a host holds: at once when there is something, else when there is, or nothing after `waitMs`. */
export async function waitForNews(
  database: Database,
  host: Host,
  { boot, held }: NoticesRequest,
  waitMs: number,
  signal: AbortSignal,
): Promise<AttemptNews[]> {
  const endsAt = performance.now() + waitMs;
  for (;;) {
    const leftMs = endsAt - performance.now();
    const looked = new AbortController();
    const woken = Promise.race(
      held.map(({ run }) =>
        waitForSignal(
          database.signals,
          `run:${run}`,
          Math.max(0, Math.min(leftMs, LOOK_MS)),
          AbortSignal.any([signal, looked.signal]),
        ),
      ),
    );
    try {
      const news = await readNews(database, host, boot, held);
      if (news.length > 0 || held.length === 0 || leftMs <= 0 || signal.aborted) return news;
      await woken;
    } finally {
      looked.abort();
    }
  }
}

async function readNews(
  database: Database,
  host: Host,
  boot: string,
  held: readonly Held[],
): Promise<AttemptNews[]> {
  if (held.length === 0) return [];
  const rows = await database.kysely
    .selectFrom("runs")
    .select([
      "id",
      "attempt",
      "status",
      "runner_id",
      "runner_boot",
      "lease_expires_at_ms",
      "cancel_requested_at_ms",
    ])
    .where(
      "id",
      "in",
      held.map(({ run }) => run),
    )
    .execute();
  const standing = held.map((one) => {
    const row = rows.find(({ id }) => id === one.run);
    // A run that was killed names its start, but no runner any more.
    const isHost = row?.runner_id === host.id || (row?.runner_id === null && row.status === "killed");
    const own = row?.attempt === one.attempt && isHost && row.runner_boot === boot ? row : undefined;
    return { one, own, isLive: own?.status === "running" && own.lease_expires_at_ms !== null };
  });
  const messages = await deliverAfter(
    database,
    standing.flatMap(({ one, isLive }) => (isLive ? [one] : [])),
  );
  const news: AttemptNews[] = [];
  for (const { one, own, isLive } of standing) {
    const at = { run: one.run, attempt: one.attempt };
    if (own?.status === "killed") {
      if (one.known !== "killing") news.push({ kind: "cancel", force: true, ...at });
    } else if (own === undefined || !isLive) {
      news.push({ kind: "lease_lost", ...at });
    } else {
      if (own.cancel_requested_at_ms !== null && one.known === "running")
        news.push({ kind: "cancel", force: false, ...at });
      for (const message of messages.get(one.run) ?? []) news.push({ kind: "message", ...message, ...at });
    }
  }
  return news;
}
