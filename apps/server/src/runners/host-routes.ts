import { AppError } from "@windshift/contract/app-error.ts";
import { AttemptResult, EventBatch } from "@windshift/contract/job.ts";
import { LONG_POLL_MS_MAX } from "@windshift/contract/limits.ts";
import {
  BootId,
  ClaimRequest,
  EventsReply,
  HeartbeatRequest,
  NoticesReply,
  NoticesRequest,
  RegisterReply,
  RegisterRequest,
  RotateReply,
  RunnerClaimReply,
  RunnerHeartbeatReply,
  RunParams,
  WaitQuery,
} from "@windshift/contract/runner.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { type ApiEnv, addressOf, runnerOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { Log } from "../http/log.ts";
import type { RouteTable } from "../http/route-table.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import type { MasterKey } from "../secrets/secret-box.ts";
import { renewHeld, takeEvents, takeResult } from "./host-attempt.ts";
import type { ClaimDesk } from "./host-claim.ts";
import { waitForNews } from "./host-notices.ts";
import type { HostPace } from "./host-pace.ts";
import { enterSession, requireCurrent } from "./host-session.ts";
import { registerHost } from "./registration.ts";
import { RegistrationTries } from "./registration-tries.ts";
import { raiseAlert } from "./runner-alert.ts";
import { type Host, rotateCredential } from "./runner-credential.ts";
import { requireVersion } from "./runner-version.ts";

export interface HostRouteParts {
  database: Database;
  masterKey: MasterKey;
  defaults: RunDefaults;
  desk: ClaimDesk;
  pace: HostPace;
  /** Adds to the trace of a run what was done here as a part of its runner's span; absent when no traces are sent. */
  trace?: ((part: TracedPart) => void) | undefined;
  log: Log;
}

/** What was done for a runner, and the span of it that this was a part of, as the header `traceparent` says. */
export interface TracedPart {
  name: string;
  run: number;
  traceparent: string | undefined;
  startMs: number;
}

/** Which start of the runner an event or a result comes from. */
const BootHeader = z.object({ "x-windshift-boot": BootId });
const Done = z.object({ status: z.literal("accepted") });

/** The control plane of runner hosts. Source: INTERFACES section 4. */
export function addHostRoutes(table: RouteTable, parts: HostRouteParts): void {
  addRegistration(table, parts);
  addHostLoop(table, parts);
  addAttempts(table, parts);
}

function addRegistration(table: RouteTable, { database, masterKey }: HostRouteParts): void {
  const tries = new RegistrationTries();
  table.add(
    {
      method: "post",
      path: "/api/runner/register",
      access: "public",
      summary: "Exchange a registration token for a runner's credential",
      request: { body: jsonBody(RegisterRequest) },
      responses: { 200: jsonReply(RegisterReply, "The credential; the same again for the same nonce") },
    },
    async (c) => {
      const from = addressOf(c);
      const register = () => registerHost(database, masterKey, c.req.valid("json"), from);
      return c.json(await tries.try(from, register), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/runner/credential",
      access: "runner",
      summary: "Get another credential; the one used works for an hour more",
      responses: { 200: jsonReply(RotateReply, "The new credential") },
    },
    async (c) => {
      const used = (c.req.header("authorization") ?? "").replace(/^bearer +/i, "");
      return c.json({ credential: await rotateCredential(database, hostOf(c), used) }, 200);
    },
  );
}

function addHostLoop(table: RouteTable, parts: HostRouteParts): void {
  const { database, defaults, desk, log } = parts;
  const enter = async (host: Host, state: Parameters<typeof enterSession>[3]) => {
    requireVersion(state.version);
    for (const { cause, ...lost } of await enterSession(database, defaults, host, state))
      log.warn(
        cause === undefined ? lost : { ...lost, err: cause },
        "an attempt was lost when its runner ended",
      );
  };
  table.add(
    {
      method: "post",
      path: "/api/runner/claim",
      access: "runner",
      summary: "Claim the next run of the pool, waiting for one",
      request: { query: WaitQuery, body: jsonBody(ClaimRequest) },
      responses: { 200: jsonReply(RunnerClaimReply, "A job, or null when none came") },
    },
    async (c) => {
      const host = hostOf(c);
      const request = c.req.valid("json");
      await enter(host, request);
      const waitMs = Math.min(c.req.valid("query").wait, LONG_POLL_MS_MAX);
      return c.json({ job: await desk.claim(host, request, waitMs, c.req.raw.signal) }, 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/runner/heartbeat",
      access: "runner",
      summary: "Renew the leases of what the host holds",
      request: { body: jsonBody(HeartbeatRequest) },
      responses: { 200: jsonReply(RunnerHeartbeatReply, "What it holds no more, and how many runs wait") },
    },
    async (c) => {
      const host = hostOf(c);
      const request = c.req.valid("json");
      await enter(host, request);
      return c.json(await renewHeld(database, host, request), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/runner/notices",
      access: "runner",
      summary: "Wait for what people want of the attempts the host holds",
      request: { query: WaitQuery, body: jsonBody(NoticesRequest) },
      responses: { 200: jsonReply(NoticesReply, "News; empty when none came") },
    },
    async (c) => {
      const host = hostOf(c);
      const request = c.req.valid("json");
      await requireCurrent(database, host, request.boot);
      const waitMs = Math.min(c.req.valid("query").wait, LONG_POLL_MS_MAX);
      return c.json({ news: await waitForNews(database, host, request, waitMs, c.req.raw.signal) }, 200);
    },
  );
}

function addAttempts(table: RouteTable, { database, defaults, pace, log, trace }: HostRouteParts): void {
  table.add(
    {
      method: "post",
      path: "/api/runner/runs/{run}/events",
      access: "runner",
      summary: "Store events of an attempt; acknowledged means committed",
      request: { params: RunParams, headers: BootHeader, body: jsonBody(EventBatch) },
      responses: { 200: jsonReply(EventsReply, "The last number that is stored") },
    },
    async (c) => {
      const host = hostOf(c);
      const { run } = c.req.valid("param");
      const batch = c.req.valid("json");
      const boot = c.req.valid("header")["x-windshift-boot"];
      const acked_seq = await takeEvents(database, host, boot, run, batch).catch(async (error: unknown) => {
        if (error instanceof AppError && error.status < 500)
          pace.fine(host.id, "events", error.code === "lease_lost" ? "lost" : "wrong");
        const alert = error instanceof AppError ? refusalAlert(error, run) : undefined;
        if (alert !== undefined) {
          log.error(
            { run, attempt: batch.attempt, runner: host.id, err: error },
            "refused events of a runner",
          );
          await database.transaction((tx) => raiseAlert(tx, host, "runner.events_refused", alert));
        }
        throw error;
      });
      return c.json({ acked_seq }, 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/runner/runs/{run}/result",
      access: "runner",
      summary: "Report how an attempt ended; twice is once",
      request: { params: RunParams, headers: BootHeader, body: jsonBody(AttemptResult) },
      responses: { 200: jsonReply(Done, "Taken") },
    },
    async (c) => {
      const startMs = Date.now();
      const { run } = c.req.valid("param");
      const boot = c.req.valid("header")["x-windshift-boot"];
      await takeResult(database, defaults, hostOf(c), boot, run, c.req.valid("json"));
      trace?.({ name: "take report", run, traceparent: c.req.header("traceparent"), startMs });
      return c.json({ status: "accepted" as const }, 200);
    },
  );
}

/** What administrators are to know of events that no honest host sends. */
function refusalAlert({ code }: AppError, run: number): string | undefined {
  if (code === "conflict")
    return `It sent other events for run ${run} than it had sent before; they were refused. Its spool is damaged, or something else speaks with its credential.`;
  if (code === "too_large")
    return `It sent more events for run ${run} than a runner of ours lets an agent fill a transcript with; the rest was refused. Something else speaks with its credential, or its program was changed.`;
  return undefined;
}

function hostOf(c: Context<ApiEnv>): Host {
  const { runnerId: id, poolId: pool, instance, name } = runnerOf(c);
  return { id, pool, instance, name, from: addressOf(c) };
}
