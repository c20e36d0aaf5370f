import { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { outlineEvents } from "./event-outline.ts";
import { runIdOf, runScope } from "./run-scope.ts";

/** Where the pages of a transcript begin: for readers that open a long one anywhere. */
export function addEventOutlineRoutes(table: RouteTable, { database }: { database: Database }): void {
  table.add(
    {
      access: { role: "viewer", in: runScope },
      method: "get",
      path: "/api/v1/agent-runs/{id}/events/outline",
      tags: ["runs"],
      summary: "How long the transcript of a run is, and where its pages begin",
      request: { params: z.object({ id: z.string() }) },
      responses: { 200: jsonReply(EventOutline, "Where its pages begin") },
    },
    async (c) => {
      const id = runIdOf(c.req.param());
      assert(id !== undefined, "the route's scope found the run");
      return c.json(await outlineEvents(database.kysely, id), 200);
    },
  );
}
