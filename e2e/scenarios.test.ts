import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { Comment, CommentPage } from "@windshift/contract/api/comment.ts";
import { Diff, PullRequestDetail } from "@windshift/contract/api/pull-request.ts";
import { AgentRun, AgentRunDetail, AgentRunList, EventPage } from "@windshift/contract/api/run.ts";
import { WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import type { StoredEvent } from "@windshift/contract/event.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { casesForEngine } from "@windshift/testing/database-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { readScenarios, type ScenarioFolder } from "@windshift/testing/scenario.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { type BuiltWorkspace, buildWorkspace } from "@windshift/testing/workspace-builder.ts";
import { runOnBranch } from "./branch-check.ts";
import { type Product, startProduct } from "./product.ts";
import { readRecording, storyOf, writeRecording } from "./recording.ts";

/** A run of a scenario ends well within this, ms, on a loaded two-core machine. */
const RUN_MS_MAX = 60_000;
/** What their agents do shows in git and in how much they say; to the database they are 01 once more. */
const IN_THE_CHECKOUT = /^(?:03-stdout|06-uncommitted|07-detached|08-rewritten|10-bad-model|11-repair)/;
let product: Product;

beforeAll(async () => {
  product = await startProduct("scenarios");
}, 120_000);
afterAll(() => product?.stop(), 60_000);

describe("SO-04 on the server's own runner, an agent", () => {
  const folders = readScenarios(join(import.meta.dir, "scenarios"));
  const played = casesForEngine(process.env, folders, ({ name }) => !IN_THE_CHECKOUT.test(name));
  for (const [index, folder] of played.entries()) {
    test(`${folder.name} ${folder.scenario.title}`, () => play(folder, `S${index + 1}`), RUN_MS_MAX + 30_000);
  }
});

async function play({ scenario, model, projectDir }: ScenarioFolder, key: string): Promise<void> {
  const { api } = product;
  const apiKey = `provider-key-of-${key}-0123456789`;
  const provider = await startScriptedModel({ script: model, apiKey });
  try {
    const workspace = await buildWorkspace(api, {
      key: `${key}X`,
      name: scenario.title,
      projectDir,
      repositoryName: "project",
      agentName: "Agent",
      llm: { baseUrl: provider.url, apiKey, model: "scripted-model" },
      binding: scenario.binding,
    });
    const item = await workspace.createItem(scenario.item, true);
    const run = await followRun(api, item.key, scenario.actions);
    await check(api, scenario, workspace, item.key, run);
    if (scenario.recording !== undefined) await checkRecording(api, scenario.recording, run.id);
    const asked = scenario.expect.model_requests;
    if (asked !== undefined) {
      expect(provider.requests.length).toBeGreaterThanOrEqual(asked.min);
      expect(provider.requests.length).toBeLessThanOrEqual(asked.max);
    }
  } finally {
    await provider.stop();
  }
}

/** Does the person's actions as their events appear, and waits for the end. */
async function followRun(
  api: ApiClient,
  itemKey: string,
  actions: ScenarioFolder["scenario"]["actions"],
): Promise<AgentRunDetail> {
  const { runs } = await api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
  const id = runs[0]?.id;
  expect(id).toBeDefined();
  for (const action of actions) {
    const { type, contains } = action.after;
    await eventually(
      `the transcript has ${type} with ${contains}`,
      async () => has(await readEvents(api, id as number), action.after),
      RUN_MS_MAX,
    );
    if (action.do === "cancel")
      await api.post(`/api/v1/agent-runs/${id}/cancel`, { force: action.force }, AgentRun);
    else await api.post(`/api/v1/items/${itemKey}/comments`, { body: action.text }, Comment);
  }
  const ended = async () => {
    const run = await api.get(`/api/v1/agent-runs/${id}`, AgentRunDetail);
    return isTerminal(run.status) || run.status === "waiting" ? run : undefined;
  };
  return eventually(`run ${id} ends`, ended, RUN_MS_MAX);
}

async function check(
  api: ApiClient,
  { expect: wanted }: ScenarioFolder["scenario"],
  workspace: BuiltWorkspace,
  itemKey: string,
  run: AgentRunDetail,
): Promise<void> {
  expect({ status: run.status, reason: run.reason, detail: run.detail }).toMatchObject({
    status: wanted.status,
    reason: wanted.reason,
  });
  expect(run.isolation).toBe("container");
  for (const text of wanted.detail) expect(run.detail).toContain(text);
  const events = await readEvents(api, run.id);
  for (const event of wanted.events) {
    if (!has(events, event))
      expect<unknown[]>(events.filter((e) => e.type === event.type)).toContainEqual(event);
  }
  const { comments } = await api.get(`/api/v1/items/${itemKey}/comments`, CommentPage);
  const bodies = comments.map((comment) => comment.body).join("\n----\n");
  for (const text of wanted.comments) expect(bodies).toContain(text);
  expect(run.has_patch).toBe(wanted.patch.length > 0);
  const patch = run.has_patch ? await api.text(`/api/v1/agent-runs/${run.id}/patch`) : "";
  for (const text of wanted.patch) expect(patch).toContain(text);
  await checkBranch(workspace, run, wanted);
  await checkPullRequest(api, itemKey, run, wanted);
}

async function checkBranch(
  workspace: BuiltWorkspace,
  run: AgentRunDetail,
  wanted: ScenarioFolder["scenario"]["expect"],
): Promise<void> {
  const { path } = workspace.repository;
  const refs = await gitOut(["for-each-ref", "--format=%(refname)"], path);
  // I4: whatever the agent tried, no other ref exists.
  for (const ref of refs.split("\n"))
    expect(`|refs/heads/main|refs/heads/${run.branch}|`).toContain(`|${ref}|`);
  const names = refs.split("\n");
  if (!wanted.pull_request && (wanted.commits ?? 0) === 0) expect(names).toEqual(["refs/heads/main"]);
  if (wanted.commits !== undefined) {
    const count = refs.includes(run.branch)
      ? await gitOut(["rev-list", "--count", `main..${run.branch}`], path)
      : "0";
    expect(Number(count)).toBe(wanted.commits);
  }
  if (!refs.includes(run.branch)) return;
  if (wanted.check !== undefined) await checkOnBranches(path, run.branch, wanted.check);
  const message = await gitOut(["log", "-1", "--format=%B", run.branch], path);
  for (const text of wanted.commit_message) expect(message).toContain(text);
  for (const [file, text] of Object.entries(wanted.files)) {
    if (text === null)
      expect(await gitOut(["ls-tree", "--name-only", run.branch, "--", file], path)).toBe("");
    else expect(await gitOut(["show", `${run.branch}:${file}`], path)).toContain(text);
  }
}

async function checkOnBranches(
  repository: string,
  branch: string,
  { command, before, after }: NonNullable<ScenarioFolder["scenario"]["expect"]["check"]>,
): Promise<void> {
  expect(await runOnBranch(repository, "main", command)).toMatchObject({ exitCode: before });
  expect(await runOnBranch(repository, branch, command)).toMatchObject({ exitCode: after });
}

/** With WINDSHIFT_RECORD=1 the recording is written anew instead. */
async function checkRecording(api: ApiClient, recording: string, run: number): Promise<void> {
  const events = await readEvents(api, run);
  if (process.env.WINDSHIFT_RECORD === "1") await writeRecording(recording, events);
  expect(storyOf(events)).toEqual(storyOf(readRecording(recording)));
}

async function checkPullRequest(
  api: ApiClient,
  itemKey: string,
  run: AgentRunDetail,
  wanted: ScenarioFolder["scenario"]["expect"],
): Promise<void> {
  const { links } = await api.get(`/api/v1/items/${itemKey}`, WorkItemDetail);
  const linked = links.filter((link) => link.kind === "pull_request");
  expect(linked).toHaveLength(wanted.pull_request ? 1 : 0);
  const [link] = linked;
  if (link === undefined) return;
  const id = link.url.split("/").at(-1);
  const pull = await api.get(`/api/v1/pull-requests/${id}`, PullRequestDetail);
  expect(pull).toMatchObject({
    draft: true,
    state: "open",
    run_id: run.id,
    source_branch: run.branch,
    target_branch: "main",
  });
  expect(pull.title.startsWith(`${itemKey}: `)).toBe(true);
  for (const text of wanted.pull_request_body) expect(pull.body).toContain(text);
  const diff = await api.get(`/api/v1/pull-requests/${id}/diff`, Diff);
  expect(diff.files.length).toBeGreaterThan(0);
}

async function readEvents(api: ApiClient, run: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (let after = 0; ; ) {
    const page = await api.get(`/api/v1/agent-runs/${run}/events?after=${after}&limit=500`, EventPage);
    events.push(...page.events);
    if (page.events.length === 0) return events;
    after = page.next_after;
  }
}

function has(events: readonly StoredEvent[], like: { type: string; contains: string }): boolean {
  return events.some(
    (event) => event.type === like.type && JSON.stringify(event.data).includes(like.contains),
  );
}
