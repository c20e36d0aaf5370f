import { AuditFilter, AuditPage } from "@windshift/contract/api/audit.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { Access } from "../http/access.ts";
import { type ApiEnv, actingPersonOf } from "../http/api-env.ts";
import { attachmentHeaders } from "../http/attachment.ts";
import { jsonReply } from "../http/json.ts";
import { CursorParam, LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import { type AuditFormat, exportAudit } from "./audit-export.ts";
import { listAudit } from "./audit-list.ts";
import { record } from "./audit-store.ts";

const ListQuery = AuditFilter.extend({ before: CursorParam, limit: LimitParam });
const FORMATS = { jsonl: "application/jsonl", csv: "text/csv" } as const satisfies Record<
  AuditFormat,
  string
>;

/** The audit log of the installation for its administrators, and of a workspace for its admins. */
export function addAuditRoutes(table: RouteTable, ports: { database: Database }): void {
  addLog(table, ports, { path: "/api/v1/admin/audit", access: "instance_admin" });
  const ofWorkspace = { role: "admin", in: workspaceScope } as const;
  addLog(table, ports, { path: "/api/v1/workspaces/{key}/audit", access: ofWorkspace });
}

function addLog(
  table: RouteTable,
  { database }: { database: Database },
  { path, access }: { path: string; access: Access },
): void {
  table.add(
    {
      method: "get",
      path,
      access,
      summary: "What people and programs did",
      request: { query: ListQuery },
      responses: { 200: jsonReply(AuditPage, "Newest first") },
    },
    async (c) => {
      const { before, limit, ...filter } = c.req.valid("query");
      const query = { filter, before, limit, workspaceId: c.get("grant")?.workspaceId };
      const entries = await listAudit(database, query);
      const next = entries.length === limit ? (entries.at(-1)?.id ?? null) : null;
      return c.json({ entries, next_before: next }, 200);
    },
  );
  for (const format of ["jsonl", "csv"] as const)
    table.add(
      {
        method: "get",
        path: `${path}/export.${format}`,
        access,
        summary: `The same as a file of ${format.toUpperCase()}`,
        request: { query: AuditFilter },
        responses: {
          200: { description: "Newest first", content: { [FORMATS[format]]: { schema: z.string() } } },
        },
      },
      (c) => exported(c, database, c.req.valid("query"), format),
    );
}

/** That the log was taken away is itself in it. */
async function exported(
  c: Context<ApiEnv>,
  database: Database,
  filter: AuditFilter,
  format: AuditFormat,
): Promise<Response> {
  const workspaceId = c.get("grant")?.workspaceId;
  const by = actingPersonOf(c);
  await record(database.kysely, {
    workspaceId: workspaceId ?? null,
    actor: { user: by.user },
    action: "audit.exported",
    subject: "audit log",
    data: { format, ip: by.ip ?? "unknown" },
  });
  const name = `audit-${new Date().toISOString().slice(0, 10)}.${format}`;
  return new Response(exportAudit(database, { filter, workspaceId }, format), {
    headers: attachmentHeaders(`${FORMATS[format]}; charset=utf-8`, name),
  });
}
