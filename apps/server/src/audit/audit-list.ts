import { AuditActor, type AuditFilter, type AuditLine } from "@windshift/contract/api/audit.ts";
import { sql } from "kysely";
import { z } from "zod";
import type { Database, Queries } from "../db/database.ts";
import { containsText } from "../db/like.ts";
import { findNewestFirst, type IdWindow } from "../db/newest-first.ts";
import { WINDOWED_SEARCH_MS_MAX, withinSearchTime } from "../db/text-search.ts";
import { isoTime } from "../http/json.ts";

export interface AuditQuery {
  filter: AuditFilter;
  /** Only what happened in this workspace. */
  workspaceId?: number | undefined;
  /** Id of the last line that was seen. */
  before?: number | undefined;
  limit: number;
}

/** A day of UTC, ms. */
const DAY_MS = 86_400_000;

/**
 * Lines of the audit log, newest first. A filter that few lines pass holds nobody up: SQLite goes through the log window by
 * window, PostgreSQL has its own processes.
 * @throws AppError `timed_out` when it takes longer than a search may
 */
export async function listAudit(database: Database, query: AuditQuery): Promise<AuditLine[]> {
  if (database.engine === "postgres")
    return withinSearchTime(database, async (db) => toLines(db, await readRows(db, query, query.limit)));
  return toLines(database.kysely, await readWindows(database.kysely, query, WINDOWED_SEARCH_MS_MAX));
}

/** The same for an export, which takes the time it takes. */
export async function listAuditForExport(database: Database, query: AuditQuery): Promise<AuditLine[]> {
  const db = database.kysely;
  const rows =
    database.engine === "postgres"
      ? await readRows(db, query, query.limit)
      : await readWindows(db, query, undefined);
  return toLines(db, rows);
}

async function readWindows(db: Queries, query: AuditQuery, withinMs: number | undefined) {
  const last = await db
    .selectFrom("audit_log")
    .select((eb) => eb.fn.max("id").as("id"))
    .executeTakeFirst();
  const newest = last?.id ?? 0;
  const to = query.before === undefined ? newest : Math.min(newest, query.before - 1);
  return findNewestFirst({ to, limit: query.limit, withinMs }, (window, limit) =>
    readRows(db, query, limit, window),
  );
}

function readRows(db: Queries, query: AuditQuery, limit: number, window?: IdWindow) {
  const { actor, action, q, workspace, from, to } = query.filter;
  return db
    .selectFrom("audit_log")
    .leftJoin("workspaces", "workspaces.id", "audit_log.workspace_id")
    .selectAll("audit_log")
    .select("workspaces.key")
    .$if(window !== undefined, (qb) =>
      qb.where("audit_log.id", ">=", window?.from ?? 0).where("audit_log.id", "<=", window?.to ?? 0),
    )
    .$if(query.workspaceId !== undefined, (qb) =>
      qb.where("audit_log.workspace_id", "=", query.workspaceId ?? 0),
    )
    .$if(query.before !== undefined, (qb) => qb.where("audit_log.id", "<", query.before ?? 0))
    .$if(!!workspace, (qb) => qb.where("workspaces.key", "=", workspace ?? ""))
    .$if(!!actor, (qb) => qb.where(actorIs(actor ?? "")))
    .$if(!!action, (qb) =>
      qb.where((eb) => eb.or([eb("action", "=", action ?? ""), startsWith("action", `${action}.`)])),
    )
    .$if(!!q, (qb) =>
      qb.where((eb) => eb.or([containsText("subject", q ?? ""), containsText("audit_log.data", q ?? "")])),
    )
    .$if(from !== undefined, (qb) => qb.where("at_ms", ">=", Date.parse(from ?? "")))
    .$if(to !== undefined, (qb) => qb.where("at_ms", "<", Date.parse(to ?? "") + DAY_MS))
    .orderBy("audit_log.id", "desc")
    .limit(limit)
    .execute();
}

async function toLines(db: Queries, rows: Awaited<ReturnType<typeof readRows>>): Promise<AuditLine[]> {
  const names = await namesOf(
    db,
    rows.map((row) => parseActor(row.actor)),
  );
  return rows.map((row) => {
    const who = parseActor(row.actor);
    return {
      id: row.id,
      at: isoTime(row.at_ms),
      workspace: row.key,
      actor: { ...who, name: names.get(row.actor) ?? null },
      action: row.action,
      subject: row.subject,
      data: AuditData.parse(JSON.parse(row.data)),
    };
  });
}
const AuditData = z.record(z.string(), z.unknown());

/** `user ab12`, `run 4 attempt 2`, `runner 3` or `system`, as audit-store.ts writes them. */
function parseActor(text: string): Omit<AuditActor, "name"> {
  const [kind = "", id = ""] = text.split(" ");
  return { kind: AuditActor.shape.kind.parse(kind), id };
}

/** A filter names a person by their id alone, and a run for all its attempts. Whatever else is one value, which has an index. */
function actorIs(text: string) {
  const named = /^(?:user|run|runner) |^system$/.test(text) ? text : `user ${text}`;
  const is = sql<boolean>`${sql.ref("actor")} = ${named}`;
  return /^run \d+$/.test(named) ? sql<boolean>`(${is} or ${startsWith("actor", `${named} `)})` : is;
}

function startsWith(column: string, text: string) {
  const pattern = `${text.replace(/[\\%_]/g, "\\$&")}%`;
  return sql<boolean>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** Today's names of people, of the agents of runs, and of runners, by the actor as it is stored. */
async function namesOf(
  db: Queries,
  actors: readonly Omit<AuditActor, "name">[],
): Promise<{ get(actor: string): string | undefined }> {
  const idsOf = (kind: AuditActor["kind"]) => [
    ...new Set(actors.filter((actor) => actor.kind === kind).map(({ id }) => id)),
  ];
  const names = new Map<string, string>();
  const users = idsOf("user");
  if (users.length > 0)
    for (const row of await db.selectFrom("user").select(["id", "name"]).where("id", "in", users).execute())
      names.set(`user ${row.id}`, row.name);
  const runs = idsOf("run").map(Number);
  if (runs.length > 0)
    for (const row of await db
      .selectFrom("runs")
      .innerJoin("user", "user.id", "runs.agent_user_id")
      .select(["runs.id", "user.name"])
      .where("runs.id", "in", runs)
      .execute())
      names.set(`run ${row.id}`, row.name);
  const runners = idsOf("runner").map(Number);
  if (runners.length > 0)
    for (const row of await db
      .selectFrom("runners")
      .select(["id", "name"])
      .where("id", "in", runners)
      .execute())
      names.set(`runner ${row.id}`, row.name);
  return { get: (actor) => names.get(actor.split(" ").slice(0, 2).join(" ")) };
}
