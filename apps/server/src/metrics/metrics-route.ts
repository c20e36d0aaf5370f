import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "@windshift/contract/app-error.ts";
import { type Database, dbNowMs } from "../db/database.ts";
import type { Sessions } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { readDiagnostics } from "../runners/pool-diagnostics.ts";
import type { ServerMetrics } from "./server-metrics.ts";

export interface MetricsRouteParts {
  database: Database;
  metrics: ServerMetrics;
  sessions: Sessions;
  /** WINDSHIFT_METRICS_TOKEN; without it administrators with a session are the only readers. */
  token: string | undefined;
}

/**
 * `/metrics` in the text format of Prometheus. The figures name pools and tell how busy the installation is, and the port is the
 * one that everybody reaches: so it wants the token that was set for it, or an administrator's session.
 */
export function addMetricsRoute(table: RouteTable, parts: MetricsRouteParts): void {
  const access = { handler: "WINDSHIFT_METRICS_TOKEN as a bearer token, or an administrator's session" };
  table.mount(["GET"], "/metrics", access, async (c) => {
    await requireReader(c.req.raw.headers, parts);
    const { database, metrics } = parts;
    const { now } = await database.kysely
      .selectNoFrom(dbNowMs(database.engine).as("now"))
      .executeTakeFirstOrThrow();
    metrics.showPools(await readDiagnostics(database), now);
    return c.body(metrics.text(), 200, { "content-type": metrics.contentType });
  });
}

/** @throws AppError `unauthenticated` or `forbidden` */
async function requireReader(headers: Headers, { sessions, token }: MetricsRouteParts): Promise<void> {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const given = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
    if (token !== undefined && isSame(given, token)) return;
    throw new AppError("unauthenticated", "send the value of WINDSHIFT_METRICS_TOKEN as a bearer token");
  }
  const session = await sessions.find(headers);
  if (session === undefined)
    throw new AppError(
      "unauthenticated",
      "sign in as an administrator, or send WINDSHIFT_METRICS_TOKEN as a bearer token",
    );
  if (!session.person.admin)
    throw new AppError("forbidden", "only an administrator of this installation may do this");
}

/** Takes the same time wherever they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
