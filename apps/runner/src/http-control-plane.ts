import { randomBytes } from "node:crypto";
import type { Clock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { LONG_POLL_MS_MAX } from "@windshift/contract/limits.ts";
import {
  type BootId,
  EventsReply,
  type HostState,
  NoticesReply,
  RunnerClaimReply,
  RunnerHeartbeatReply,
} from "@windshift/contract/runner.ts";
import type { ControlPlane } from "@windshift/execution/control-plane.ts";
import type { JobLog } from "@windshift/execution/job-log.ts";
import type { LeftoverPlane } from "@windshift/execution/leftovers.ts";
import type { JobSource } from "@windshift/execution/runner-loop.ts";
import { SharedHeartbeat } from "@windshift/execution/shared-heartbeat.ts";
import { z } from "zod";
import { NoticeHub } from "./notice-hub.ts";
import type { ServerClient } from "./server-client.ts";

/** What a request that may wait is given beyond its wait, ms. */
const ANSWER_SLACK_MS = 15_000;
const NOTICES = `/runner/notices?wait=${LONG_POLL_MS_MAX / 1_000}s`;
/** An answer without a job that came sooner did not wait: then the pause between claims is ours, ms. */
const WAITED_MS_LEAST = 1_000;

export interface HostPlaneOptions {
  client: ServerClient;
  /** As the server is told with each claim and heartbeat; what changes meanwhile is told with the next. */
  state: HostState;
  apiUrl: string;
  isolation: "container" | "unsandboxed";
  /** Pause between claims where the server cannot keep one waiting, ms. */
  pollIntervalMs: number;
  clock: Clock;
  log: JobLog;
  /** Told with each answer to a heartbeat. */
  onHeartbeat?(reply: RunnerHeartbeatReply): void;
  /** Told of each heartbeat that brought no answer. */
  onHeartbeatFailed?(): void;
  /** Told when a request of this start is refused because of who sends it: to ask again changes nothing. */
  onUnwelcome?(error: AppError): void;
}

type Poster = Pick<ServerClient, "post">;

/** The server as a runner host speaks to it: the source of jobs and, for each job, its control plane. */
export interface HostPlane extends ControlPlane, JobSource {
  /** For what an earlier start left: events and results under its boot. */
  leftoverPlane(boot: BootId): LeftoverPlane;
}

/** The server's control plane over HTTP. Whoever calls repeats what failed; a refusal that stands for good is told to `onUnwelcome` too. */
export function createHostPlane(options: HostPlaneOptions): HostPlane {
  const { state, apiUrl, isolation, clock, log } = options;
  const client: Poster = {
    post: (...args) =>
      options.client.post(...args).catch((error: unknown) => {
        if (isUnwelcome(error)) options.onUnwelcome?.(error);
        throw error;
      }),
  };
  const heartbeat = new SharedHeartbeat(async (held) => {
    const request = { ...state, held: held.map(({ run_id: run, attempt }) => ({ run, attempt })) };
    const reply = await client
      .post("/runner/heartbeat", request, RunnerHeartbeatReply)
      .catch((error: unknown) => {
        options.onHeartbeatFailed?.();
        throw error;
      });
    options.onHeartbeat?.(reply);
    return reply.abort.map(({ run: run_id, attempt }) => ({ run_id, attempt }));
  });
  const hub = new NoticeHub({
    clock,
    log,
    ask: async (held, signal) => {
      const { news } = await client.post(NOTICES, { boot: state.boot, held }, NoticesReply, {
        signal,
        timeoutMs: LONG_POLL_MS_MAX + ANSWER_SLACK_MS,
      });
      return news;
    },
  });
  // One key is used until it brings a job: an answer that got lost is given again.
  let claimKey = newKey();
  return {
    ...writes(client, state.boot),
    // What is refused under an older start says nothing of this one.
    leftoverPlane: (boot) => writes(options.client, boot),
    renew: (job) => heartbeat.renew(job),
    async *notices(job, signal) {
      try {
        yield* hub.follow(job, signal);
      } finally {
        heartbeat.release(job);
      }
    },
    claim: async (signal) => {
      const startedMs = performance.now();
      const job = await ask(LONG_POLL_MS_MAX, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        // The drain cut a claim off that may have been answered already: its key tells. A draining host gets nothing new.
        return ask(0, undefined);
      });
      if (job !== null) {
        claimKey = newKey();
        heartbeat.hold(job);
      } else if (performance.now() - startedMs < WAITED_MS_LEAST) {
        await clock.sleep(options.pollIntervalMs, signal);
      }
      return job;
    },
  };

  async function ask(waitMs: number, signal: AbortSignal | undefined): Promise<JobSpec | null> {
    const request = {
      ...state,
      draining: state.draining || waitMs === 0,
      claim_key: claimKey,
      api_url: apiUrl,
      isolation,
    };
    const { job } = await client.post(`/runner/claim?wait=${waitMs / 1_000}s`, request, RunnerClaimReply, {
      ...(signal === undefined ? {} : { signal }),
      timeoutMs: waitMs + ANSWER_SLACK_MS,
    });
    return job;
  }
}

/** Events and results of one start. */
function writes(client: Poster, boot: BootId): LeftoverPlane {
  return {
    append: async ({ run_id, attempt }, events) => {
      try {
        const path = `/runner/runs/${run_id}/events`;
        const { acked_seq } = await client.post(path, { attempt, events }, EventsReply, { boot });
        return { kind: "accepted", ackedSeq: acked_seq };
      } catch (error) {
        if (isFenced(error)) return { kind: "lease_lost" };
        throw error;
      }
    },
    report: async ({ run_id, traceparent }, result) => {
      try {
        await client.post(`/runner/runs/${run_id}/result`, result, z.object({}), { boot, traceparent });
        return "accepted";
      } catch (error) {
        if (isFenced(error)) return "lease_lost";
        throw error;
      }
    },
  };
}

/** The server knows this host no more, or another start of it has taken its place. */
function isUnwelcome(error: unknown): error is AppError {
  return (
    error instanceof AppError &&
    (error.code === "unauthenticated" || error.code === "forbidden" || error.code === "superseded")
  );
}

/** The attempt is another's, or this start of the runner is not the one that counts. */
function isFenced(error: unknown): boolean {
  return error instanceof AppError && (error.code === "lease_lost" || error.code === "superseded");
}

function newKey(): string {
  return randomBytes(16).toString("hex");
}
