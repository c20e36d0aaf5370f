import { randomUUID } from "node:crypto";
import { backoffMs } from "@windshift/base/backoff.ts";
import { systemClock } from "@windshift/base/clock.ts";
import pg from "pg";
import { LocalSignals, type Signals, type Topic } from "./signals.ts";
import { WriteBatch } from "./write-batch.ts";

const CHANNEL = "windshift";
/** Waits between tries to get the listening connection back, ms. */
const RECONNECT_FIRST_MS = 100;
const RECONNECT_MAX_MS = 5_000;
/** Between two questions whether the database still hears the listening connection, ms, and how long an answer may take. */
const PING_MS = 15_000;
const PONG_MS_MAX = 10_000;

/**
 * Signals over LISTEN/NOTIFY: one connection of its own per server. When it breaks it is opened again, and then
 * everybody is woken once, because what was signalled in between is unknown. Its own process hears of a signal at once and
 * not by way of the database: who cancels a run here finds its token dead here.
 */
export async function openPostgresSignals(
  url: string,
  pool: pg.Pool,
): Promise<Signals & { close(): Promise<void> }> {
  const local = new LocalSignals();
  const own = `${randomUUID()} `;
  let closed = false;
  let client = await connect();

  async function connect(): Promise<pg.Client> {
    const next = new pg.Client({
      connectionString: url,
      application_name: "windshift signals",
      keepAlive: true,
    });
    next.on("notification", ({ payload = "" }) => {
      if (!payload.startsWith(own)) void local.notify(payload.slice(own.length));
    });
    next.on("error", () => {});
    try {
      await next.connect();
      await next.query(`LISTEN ${CHANNEL}`);
    } catch (error) {
      await next.end().catch(() => {});
      throw error;
    }
    const stopAsking = askFromTimeToTime(next);
    next.on("end", () => {
      stopAsking();
      void reconnect();
    });
    return next;
  }

  async function reconnect(): Promise<void> {
    for (let tries = 1; !closed; tries++) {
      await systemClock.sleep(backoffMs(tries, RECONNECT_FIRST_MS, RECONNECT_MAX_MS));
      if (closed) return;
      const next = await connect().catch(() => undefined);
      if (next === undefined) continue;
      client = next;
      local.notifyAll();
      return;
    }
  }

  // A transaction that notifies waits for all others that do, in the whole cluster.
  const sent = new WriteBatch<string>(async (payloads) => {
    await pool.query("select pg_notify($1, payload) from unnest($2::text[]) as payload", [CHANNEL, payloads]);
  });
  return {
    notify: async (topic: Topic) => {
      // What it tells of is committed already; everybody also looks from time to time, so a lost signal only delays.
      await Promise.all([local.notify(topic), sent.add(own + topic).catch(() => {})]);
    },
    listen: (topic, listener) => local.listen(topic, listener),
    close: async () => {
      closed = true;
      await client.end().catch(() => {});
    },
  };
}

/** Cuts a connection that is not answered on: one that nobody closed says nothing by itself. @returns what ends the asking */
function askFromTimeToTime(client: pg.Client): () => void {
  const cut = () =>
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  const timer = setInterval(() => {
    const late = setTimeout(cut, PONG_MS_MAX);
    client.query("select 1").then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    );
  }, PING_MS);
  timer.unref();
  return () => clearInterval(timer);
}
