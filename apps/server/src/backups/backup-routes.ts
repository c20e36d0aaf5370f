import { Backup, BackupId, BackupList } from "@windshift/contract/api/backup.ts";
import { z } from "zod";
import { actingPersonOf } from "../http/api-env.ts";
import { attachmentHeaders } from "../http/attachment.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import type { BackupDesk } from "./backup-desk.ts";

const AT = "/api/v1/admin/backups";
const BackupParams = z.object({ backup: BackupId });

/** Backups, for administrators of the installation: everything of every workspace is in them. */
export function addBackupRoutes(table: RouteTable, desk: BackupDesk): void {
  table.add(
    {
      method: "get",
      path: AT,
      access: "instance_admin",
      summary: "Backups in the data folder of this server",
      responses: { 200: jsonReply(BackupList, "Newest first") },
    },
    async (c) => c.json(await desk.list(), 200),
  );
  table.add(
    {
      method: "post",
      path: AT,
      access: "instance_admin",
      summary: "Begin to write a backup",
      responses: { 202: jsonReply(Backup, "It is being written; the list says how it goes") },
    },
    async (c) => c.json(await desk.start(actingPersonOf(c)), 202),
  );
  table.add(
    {
      method: "get",
      path: `${AT}/{backup}/download`,
      access: "instance_admin",
      summary: "Take a backup away",
      request: { params: BackupParams },
      responses: {
        200: { description: "The file", content: { "application/x-tar": { schema: z.string() } } },
      },
    },
    async (c) => {
      const { backup } = c.req.valid("param");
      const { path, bytes } = await desk.open(backup, actingPersonOf(c));
      return new Response(Bun.file(path).stream(), {
        headers: { ...attachmentHeaders("application/x-tar", backup), "content-length": String(bytes) },
      });
    },
  );
  table.add(
    {
      method: "delete",
      path: `${AT}/{backup}`,
      access: "instance_admin",
      summary: "Delete a backup",
      request: { params: BackupParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await desk.remove(c.req.valid("param").backup, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
}
