import { join } from "node:path";
import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { buildWorkspace, type WorkspacePlan } from "@windshift/testing/workspace-builder.ts";
import type { PlantedSecrets } from "./planted-secrets.ts";

const STEP_MS_MAX = 120_000;

/** What others try to reach: a workspace with an item, a repository and a run that is at work. */
export interface OtherWorkspace {
  itemKey: string;
  /** Its repository's commit. */
  oid: string;
  run: number;
  /** Of its container, on the network of all agents. */
  address: string;
}

/**
 * Makes it, with secrets in its file, its item and its run.
 * @param dir for its files before they are committed, absolute
 */
export async function startOtherWorkspace(
  api: ApiClient,
  {
    llm,
    network,
    dir,
    secrets,
  }: { llm: WorkspacePlan["llm"]; network: string; dir: string; secrets: PlantedSecrets },
): Promise<OtherWorkspace> {
  const projectDir = join(dir, "other");
  await Bun.write(join(projectDir, "plans.txt"), secrets.plant("file of another workspace"));
  const plan = { key: "OTHER", name: "Other", projectDir, repositoryName: "other", agentName: "Second", llm };
  const workspace = await buildWorkspace(api, plan);
  const description = secrets.plant("item of another workspace");
  const { key: itemKey } = await workspace.createItem({ title: "hostile:victim", description }, true);
  const run = await eventually("the other run is at work", () => workingOn(api, itemKey), STEP_MS_MAX);
  const { token, address } = await eventually(
    "its container is there",
    () => containerOn(network),
    STEP_MS_MAX,
  );
  secrets.add("token of another run", token);
  return { itemKey, oid: await gitOut(["rev-parse", "main"], workspace.repository.path), run, address };
}

async function workingOn(api: ApiClient, itemKey: string): Promise<number | undefined> {
  const { runs } = await api.get(`/api/v1/items/${itemKey}/agent-runs`, AgentRunList);
  const { id, status, phase } = await api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
  return status === "running" && phase === "agent" ? id : undefined;
}

/** The one agent of the network: its token is taken from the engine, as no run can. */
async function containerOn(network: string): Promise<{ token: string; address: string } | undefined> {
  const { cli } = await dockerFixture();
  const filters = [`network=${network}`, "label=org.windshift.role=agent"].flatMap((f) => ["--filter", f]);
  const listed = await cli.call(["ps", "--quiet", ...filters]);
  if (listed.kind !== "ok" || listed.stdout.trim() === "") return undefined;
  const format = "{{json .Config.Env}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  const inspected = await cli.call(["inspect", "--format", format, listed.stdout.trim()]);
  if (inspected.kind !== "ok") throw new Error(inspected.message);
  const token = /wsrun_[A-Za-z0-9_-]{20,}/.exec(inspected.stdout)?.[0];
  if (token === undefined) throw new Error("the other run's container has no token in its environment");
  return { token, address: inspected.stdout.trim().split(" ").at(-1) ?? "" };
}
