import { turn } from "@windshift/base/turn.ts";
import { AgentRunPrompt } from "@windshift/contract/api/run.ts";
import { AppError, assert } from "@windshift/contract/app-error.ts";
import { EVENT_PAGE_MAX } from "@windshift/contract/limits.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import type { ApiEnv } from "../http/api-env.ts";
import { attachmentHeaders } from "../http/attachment.ts";
import { jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { openArchivedTranscript } from "../retention/transcript-archive.ts";
import { DELETED } from "../work-items/work-item-store.ts";
import { listEvents } from "./run-events.ts";
import { findPatch } from "./run-output-store.ts";
import { runIdOf, runScope } from "./run-scope.ts";
import { getRun } from "./run-store.ts";

const viewer = { role: "viewer", in: runScope } as const;

/** What is kept of a run and too large for its page: its prompt, its patch, its whole transcript. */
export function addRunRecordRoutes(
  table: RouteTable,
  { database, archiveDir }: { database: Database; archiveDir: string },
): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: "/api/v1/agent-runs/{id}/prompt",
      access: viewer,
      tags: ["runs"],
      summary: "What the newest attempt of a run was told, and what was done to the texts in it",
      request: { params: z.object({ id: z.string() }) },
      responses: {
        200: jsonReply(
          AgentRunPrompt,
          "The prompt; null before the first claim, not found once its item is deleted",
        ),
      },
    },
    async (c) => {
      const id = idOf(c);
      const { prompt, hidden } = await db
        .selectFrom("runs")
        .innerJoin("work_items", "work_items.id", "runs.work_item_id")
        .select(["runs.prompt", "work_items.hidden"])
        .where("runs.id", "=", id)
        .executeTakeFirstOrThrow();
      if (hidden === DELETED)
        throw new AppError("not_found", `the prompt of run ${id} was deleted with its item`);
      const { prompt_notes: notes } = await getRun(db, id);
      return c.json({ prompt: prompt === "" ? null : prompt, notes }, 200);
    },
  );
  table.mount(["GET"], "/api/v1/agent-runs/:id/patch", viewer, async (c) => {
    const id = idOf(c);
    const patch = await findPatch(db, id);
    if (patch === undefined)
      throw new AppError(
        "not_found",
        `run ${id} has no patch; only one whose commits were not pushed leaves one, such as a test run`,
      );
    return attachment(patch.text, "text/x-diff; charset=utf-8", `run-${id}.patch`, {
      "x-windshift-truncated": String(patch.truncated),
    });
  });
  table.mount(["GET"], "/api/v1/agent-runs/:id/transcript.jsonl", viewer, async (c) => {
    const id = idOf(c);
    return attachment(
      (await openArchivedTranscript(database, archiveDir, id)) ?? streamTranscript(database, id),
      "application/x-ndjson; charset=utf-8",
      `run-${id}.jsonl`,
    );
  });
}

/** All events of a run up to now, one JSON object a line, a page of them in memory at a time. */
function streamTranscript(database: Database, run: number): ReadableStream<Uint8Array> {
  let after = 0;
  return new ReadableStream(
    {
      pull: async (controller) => {
        const events = await listEvents(database.kysely, run, after, EVENT_PAGE_MAX);
        const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
        if (lines !== "") controller.enqueue(Buffer.from(lines));
        after = events.at(-1)?.id ?? after;
        if (events.length < EVENT_PAGE_MAX) controller.close();
        // SQLite answers at once, and a reader nearby takes pages as fast as they are made: nobody else would get a turn (I17).
        await turn();
      },
    },
    { highWaterMark: 0 },
  );
}

function attachment(
  body: string | ReadableStream<Uint8Array>,
  type: string,
  name: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    headers: { ...attachmentHeaders(type, name), ...headers },
  });
}

function idOf(c: Context<ApiEnv>): number {
  const id = runIdOf(c.req.param());
  assert(id !== undefined, "the route's scope found the run");
  return id;
}
