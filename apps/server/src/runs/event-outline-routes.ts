import { EventOutline } from "@windshift/contract/api/event-outline.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { compressedReply } from "../http/compressed-reply.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { openEvents, outlineEvents } from "./event-outline.ts";
import { runIdOf, runScope } from "./run-scope.ts";
import { getRun } from "./run-store.ts";

const OutlineQuery = z.object({
  /** Whether the events that a reader sees first come along: one answer, and not two after each other. */
  opening: z.enum(["true", "false"]).optional(),
});

/** Where the pages of a transcript begin: for readers that open a long one anywhere. */
export function addEventOutlineRoutes(table: RouteTable, { database }: { database: Database }): void {
  table.add(
    {
      access: { role: "viewer", in: runScope },
      method: "get",
      path: "/api/v1/agent-runs/{id}/events/outline",
      tags: ["runs"],
      summary: "How long the transcript of a run is, and where its pages begin",
      request: { params: z.object({ id: z.string() }), query: OutlineQuery },
      responses: { 200: jsonReply(EventOutline, "Where its pages begin, and what a reader sees first") },
    },
    async (c) => {
      const id = runIdOf(c.req.param());
      assert(id !== undefined, "the route's scope found the run");
      const db = database.kysely;
      const outline = await outlineEvents(db, id);
      if (c.req.valid("query").opening !== "true" || outline.starts.length === 0) return c.json(outline, 200);
      const at = isTerminal((await getRun(db, id)).status) ? "start" : "end";
      const body = { ...outline, opening: await openEvents(db, id, outline, at) };
      return compressedReply(c, c.json(body, 200));
    },
  );
}
