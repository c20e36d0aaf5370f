import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CommentPage } from "@windshift/contract/api/comment.ts";
import { AgentRunDetail, AgentRunList, EventPage } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { casesForEngine } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { type ScriptedModel, startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { CrashPoint } from "../apps/server/src/crash-point.ts";
import { type Product, startProduct } from "./product.ts";

/** Moments right after an event was stored, which to the database are "agent" once more; only what the host has done differs. */
const OF_THE_SAME_WRITE: readonly CrashPoint[] = ["preparing", "exporting", "pushing"];
/**
 * F01 and F05 on one machine: the server dies by SIGKILL while a run is in a certain phase, and starts again on the same
 * data. The run must end once, with one pull request, one comment of the result and one ref beside main (I1, I3, I4).
 */
const MOMENTS = casesForEngine(
  process.env,
  CrashPoint.options,
  (moment) => !OF_THE_SAME_WRITE.includes(moment),
);
/** Moments from which the work is done: what follows them is finished, not done again. */
const DONE: readonly CrashPoint[] = ["pushed", "publishing", "pull_request_opened"];
const RUN_MS_MAX = 60_000;
const KEY = "provider-key-of-the-crash-test";

let product: Product;
let model: ScriptedModel;
let workspace: BuiltWorkspace;

beforeAll(async () => {
  const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
  if (scenario === undefined) throw new Error("there are no scenarios");
  product = await startProduct("crash");
  model = await startScriptedModel({ script: scenario.model, apiKey: KEY });
  workspace = await buildWorkspace(product.api, {
    key: "CRASH",
    name: "Crash",
    projectDir: scenario.projectDir,
    repositoryName: "project",
    agentName: "Agent",
    llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
  });
}, 120_000);
afterAll(async () => {
  await product?.stop();
  await model?.stop();
}, 60_000);

describe("kill -9 of the server", () => {
  for (const moment of MOMENTS) {
    test(
      `at "${moment}": the run ends once, with one pull request`,
      () => crashAt(moment),
      RUN_MS_MAX + 60_000,
    );
  }
});

async function crashAt(moment: CrashPoint): Promise<void> {
  await product.server.stop();
  await product.restart({ WINDSHIFT_CRASH_POINT: moment });
  const item = await workspace.createItem(
    { title: `Crash at ${moment}`, description: "Make `sh test.sh` pass." },
    true,
  );
  await product.server.exited;
  await product.restart();

  const run = await eventually("the run ends", () => endedRun(item.key), RUN_MS_MAX);
  expect({ status: run.status, reason: run.reason, detail: run.detail }).toEqual({
    status: "succeeded",
    reason: "completed",
    detail: null,
  });
  expect(run.attempt).toBe(DONE.includes(moment) ? 1 : 2);

  const { links } = await product.api.get(`/api/v1/items/${item.key}`, WorkItemDetail);
  expect(links.filter((link) => link.kind === "pull_request")).toHaveLength(1);
  const { comments } = await product.api.get(`/api/v1/items/${item.key}/comments`, CommentPage);
  expect(comments.filter((comment) => comment.body.startsWith(`Run ${run.id} opened`))).toHaveLength(1);
  const refs = await gitOut(
    ["for-each-ref", "--format=%(refname)", `refs/heads/${run.branch}`],
    workspace.repository.path,
  );
  expect(refs).toBe(`refs/heads/${run.branch}`);
  expect(await gitOut(["rev-list", "--count", `main..${run.branch}`], workspace.repository.path)).toBe("1");
  await checkTranscript(run);
  await checkHost(run);
}

async function endedRun(itemKey: string): Promise<AgentRunDetail | undefined> {
  const { runs } = await product.api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
  expect(runs).toHaveLength(1);
  const run = await product.api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
  return isTerminal(run.status) ? run : undefined;
}

/** I6: per attempt gapless, ordered, without duplicates; the last attempt is told to its end. */
async function checkTranscript(run: AgentRunDetail): Promise<void> {
  const { events } = await product.api.get(`/api/v1/agent-runs/${run.id}/events?limit=500`, EventPage);
  for (let attempt = 1; attempt <= run.attempt; attempt++) {
    const seqs = events.filter((event) => event.attempt === attempt).map((event) => event.seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  }
  const last = events.filter((event) => event.attempt === run.attempt);
  expect(last.some((event) => event.data.note === "finish")).toBe(true);
}

/** I10: nothing of any attempt is left on the host. */
async function checkHost(run: AgentRunDetail): Promise<void> {
  const folders = async () => {
    const names = await readdir(join(product.dataDir, "worktrees"));
    return names.some((name) => name.startsWith(`run-${run.id}-`)) ? undefined : true;
  };
  await eventually("the attempts' folders are gone", folders);
}
