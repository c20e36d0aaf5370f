import {
  AgentRun,
  AgentRunDetail,
  AgentRunUsage,
  CancelRun,
  EventPage,
  NewRunMessage,
} from "@windshift/contract/api/run.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { BudgetRaise } from "@windshift/contract/budget.ts";
import { EVENT_PAGE, EVENT_PAGE_MAX, SEARCH_CHARS_MAX } from "@windshift/contract/limits.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { Context } from "hono";
import { z } from "zod";
import { readRunUsage } from "../budgets/usage.ts";
import { SharedReads } from "../db/shared-reads.ts";
import type { Memberships } from "../http/access.ts";
import { type ApiEnv, grantOf, personOf } from "../http/api-env.ts";
import { compressedReply } from "../http/compressed-reply.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { ROW_ID_MAX } from "../http/params.ts";
import type { Sessions } from "../http/principal.ts";
import type { RouteTable } from "../http/route-table.ts";
import { type RunLook, streamRun } from "./event-stream.ts";
import { raiseRunBudget } from "./run-budget.ts";
import { cancelRun } from "./run-cancel.ts";
import { searchEvents } from "./run-event-search.ts";
import { cutToPage, listEvents } from "./run-events.ts";
import { republishRun } from "./run-republish.ts";
import { runIdOf, runScope } from "./run-scope.ts";
import type { RunService } from "./run-service.ts";
import { steerRun } from "./run-steer.ts";
import { getRun } from "./run-store.ts";
import { viewRun, viewRunDetail } from "./run-view.ts";

const Params = z.object({ id: z.string() });
/** Event ids and cursors in a query; no coercion of anything but plain digits. */
const Digits = z
  .string()
  .regex(/^[0-9]{1,10}$/, "a number")
  .transform(Number)
  .pipe(z.number().max(ROW_ID_MAX, "a number of 32 bits"));
const EventQuery = z.object({
  after: Digits.default(0),
  limit: Digits.pipe(z.number().min(1).max(EVENT_PAGE_MAX)).default(EVENT_PAGE),
  /** Only events that say this, whatever its case. */
  q: z.string().min(1).max(SEARCH_CHARS_MAX).optional(),
});
const viewer = { role: "viewer", in: runScope } as const;
const admin = { role: "admin", in: runScope } as const;
const member = { role: "member", in: runScope } as const;

export interface RunRoutePorts extends RunService {
  memberships: Memberships;
  sessions: Sessions;
}

/** Runs by their id, under `/api/v1/agent-runs`. */
export function addRunRoutes(table: RouteTable, ports: RunRoutePorts): void {
  const { database, defaults } = ports;
  const looks = new SharedReads<RunLook>();
  table.add(
    {
      access: viewer,
      method: "get",
      path: "/api/v1/agent-runs/{id}",
      tags: ["runs"],
      request: { params: Params },
      responses: { 200: jsonReply(AgentRunDetail, "The run, its messages and its finishing steps") },
    },
    async (c) => c.json(await viewRunDetail(database, await runOf(c)), 200),
  );
  table.add(
    {
      access: viewer,
      method: "get",
      path: "/api/v1/agent-runs/{id}/usage",
      tags: ["runs"],
      request: { params: Params },
      responses: {
        200: jsonReply(AgentRunUsage, "Tokens and cost of the run's model calls, and its budgets"),
      },
    },
    async (c) => c.json(await readRunUsage(database.kysely, (await runOf(c)).id), 200),
  );
  table.add(
    {
      access: viewer,
      method: "get",
      path: "/api/v1/agent-runs/{id}/events",
      tags: ["runs"],
      request: { params: Params, query: EventQuery },
      responses: { 200: jsonReply(EventPage, "A page of the transcript") },
    },
    async (c) => {
      const { after, limit, q } = c.req.valid("query");
      const run = await runOf(c);
      const events =
        q === undefined
          ? await listEvents(database.kysely, run.id, after, limit)
          : await searchEvents(database, run.id, after, limit, q);
      const page = cutToPage(events);
      const ended = isTerminal(run.status) && page.length === events.length && events.length < limit;
      const body = { events: page, next_after: page.at(-1)?.id ?? after, ended };
      // What is searched for comes with the request, so only pages that were not searched are compressed.
      return q === undefined ? compressedReply(c, c.json(body, 200)) : c.json(body, 200);
    },
  );
  table.add(
    {
      access: member,
      method: "post",
      path: "/api/v1/agent-runs/{id}/cancel",
      tags: ["runs"],
      request: { params: Params, body: jsonBody(CancelRun) },
      responses: {
        200: jsonReply(AgentRun, "The run; it ends when its agent has stopped, with `force` at once"),
      },
    },
    async (c) => {
      const run = await runOf(c);
      await cancelRun(database, run.id, personOf(c).userId, c.req.valid("json").force, defaults);
      return c.json(await viewRun(database, await getRun(database.kysely, run.id)), 200);
    },
  );
  table.add(
    {
      access: admin,
      method: "post",
      path: "/api/v1/agent-runs/{id}/budget",
      tags: ["runs"],
      request: { params: Params, body: jsonBody(BudgetRaise) },
      responses: {
        200: jsonReply(AgentRun, "The run with more to spend; queued again when it waited for that"),
      },
    },
    async (c) => {
      const run = await runOf(c);
      await raiseRunBudget(database, run.id, c.req.valid("json"), personOf(c).userId);
      return c.json(await viewRun(database, await getRun(database.kysely, run.id)), 200);
    },
  );
  table.add(
    {
      access: member,
      method: "post",
      path: "/api/v1/agent-runs/{id}/publish",
      tags: ["runs"],
      request: { params: Params },
      responses: {
        200: jsonReply(AgentRun, "The run, whose pull request is opened again now that it can be"),
      },
    },
    async (c) => {
      const run = await runOf(c);
      await republishRun(database, run.id, personOf(c).userId);
      return c.json(await viewRun(database, await getRun(database.kysely, run.id)), 200);
    },
  );
  table.add(
    {
      access: member,
      method: "post",
      path: "/api/v1/agent-runs/{id}/messages",
      tags: ["runs"],
      request: { params: Params, body: jsonBody(NewRunMessage) },
      responses: { 200: jsonReply(AgentRunDetail, "The run with the message, queued for its agent") },
    },
    async (c) => {
      const run = await runOf(c);
      await steerRun(database, run.id, personOf(c).userId, c.req.valid("json").text);
      return c.json(await viewRunDetail(database, await getRun(database.kysely, run.id)), 200);
    },
  );
  table.mount(["GET"], "/api/v1/agent-runs/:id/events/stream", viewer, async (c) =>
    eventStream(c, ports, looks),
  );

  async function runOf(c: Context<ApiEnv>) {
    const id = runIdOf(c.req.param());
    assert(id !== undefined, "the route's scope found the run");
    return getRun(database.kysely, id);
  }
}

function eventStream(c: Context<ApiEnv>, ports: RunRoutePorts, looks: SharedReads<RunLook>): Response {
  const id = runIdOf(c.req.param());
  assert(id !== undefined, "the route's scope found the run");
  const { workspaceId } = grantOf(c);
  const headers = new Headers(c.req.raw.headers);
  const mayLook = async () => {
    const session = await ports.sessions.find(headers);
    if (session === undefined) return false;
    return (await ports.memberships.roleOf(workspaceId, session.person.userId)) !== undefined;
  };
  const from = Digits.safeParse(c.req.header("last-event-id") ?? c.req.query("after") ?? "0");
  return new Response(streamRun(ports.database, id, from.success ? from.data : 0, mayLook, looks), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}
