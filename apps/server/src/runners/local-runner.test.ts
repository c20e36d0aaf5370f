import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { NotStarted, Sandbox } from "@windshift/execution/sandbox.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { MemoryControlPlane } from "@windshift/testing/memory-control-plane.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { createRun } from "../runs/run-create.ts";
import { claimOne } from "../testing/claim-one.ts";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { startLocalRunner } from "./local-runner.ts";

const TEST_MS_MAX = 60_000;
const DEFAULTS = { llmModel: undefined };

let fix: RunFixture;
let dir: TempDir;
beforeEach(async () => {
  dir = tempDir();
  fix = await createRunFixture();
});
afterEach(async () => {
  await fix.close();
  dir.remove();
});

/** An engine that takes the order for a container, and does not carry it out before `answer` comes. */
function hangingEngine(asked: () => void, answer: Promise<NotStarted>): Sandbox {
  return {
    isolation: "container",
    create: () => {
      asked();
      return answer;
    },
    giveDir: async () => {},
    removeDir: async () => {},
    diskUse: async () => ({ kind: "unknown" }),
    sweep: async () => [],
  };
}

async function queueRun(): Promise<number> {
  const { database, agent: agentUserId, person: requestedBy, workspaces } = fix;
  const [workspaceId = 0] = workspaces;
  const workItemId = await fix.createItem(workspaceId);
  const wanted = { workspaceId, workItemId, agentUserId, requestedBy, trigger: "assignee" } as const;
  return database.transaction((tx) => createRun(database, tx, wanted, DEFAULTS));
}

test(
  "F08 an engine that hangs holds the end of the server up for so long and no longer, and the run is queued again",
  async () => {
    const { database } = fix;
    const id = await queueRun();
    let isAsked = false;
    let job: JobSpec | undefined;
    const engine = Promise.withResolvers<NotStarted>();
    const warnings: string[] = [];
    const infos: string[] = [];
    const runner = await startLocalRunner({
      database,
      defaults: DEFAULTS,
      controlPlane: new MemoryControlPlane(),
      claim: async (pool, by, signal) => {
        if (job === undefined) {
          await claimOne(database, pool, by, async (_, run) => run);
          job = buildJob({ run: id });
          return job;
        }
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null)));
      },
      sandbox: hangingEngine(() => {
        isAsked = true;
      }, engine.promise),
      image: "none",
      allowedImages: [],
      network: "none",
      worktreeRoot: join(dir.path, "worktrees"),
      dataDir: dir.path,
      triage: ["sh", "-c", "exec sleep 600"],
      path: process.env.PATH ?? "",
      workers: 1,
      cacheBytesMax: 1_048_576,
      cacheAgeMs: 60_000,
      workspaceBytesMax: 1_048_576,
      tracing: undefined,
      log: {
        info: (message) => void infos.push(message),
        warn: (message) => void warnings.push(message),
        error: () => undefined,
      },
      endMsMax: 200,
    });
    await eventually("the engine is asked for a container", () => isAsked, TEST_MS_MAX);
    await runner.stop();
    expect(warnings).toEqual([expect.stringContaining("the server ends before its runs did")]);
    const row = await database.kysely
      .selectFrom("runs")
      .select(["status", "runner_id", "interruptions"])
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ status: "queued", runner_id: null, interruptions: 1 });
    // Nothing of it stays behind in this process.
    engine.resolve({ kind: "not_started", reason: "engine", detail: "at last" });
    await eventually("the job ends", () => infos.includes("job ended"), TEST_MS_MAX);
  },
  TEST_MS_MAX,
);
