import type { ApiClient } from "@windshift/api-client/api-client.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { Connection, ConnectionWithSecret } from "@windshift/contract/api/connection.ts";
import { Repository } from "@windshift/contract/api/repository.ts";
import { Account, UserRef } from "@windshift/contract/api/user.ts";
import { type NewWorkItem, WorkItemDetail } from "@windshift/contract/api/work-item.ts";
import { Workspace } from "@windshift/contract/api/workspace.ts";
import type { ForgeServer } from "./forges/forge-server.ts";
import { commitTree, createRepository, gitOut } from "./git-repository.ts";
import { tempDir } from "./temp-dir.ts";

/** Who administrates a server under test or a demo. */
export interface Administrator {
  name: string;
  email: string;
  password: string;
}

export interface WorkspacePlan {
  key: string;
  name: string;
  /** Folder whose files become the first commit of the repository. */
  projectDir: string;
  repositoryName: string;
  /** Where the repository is, instead of on the server itself; its own name counts then. */
  forge?: ForgeServer | undefined;
  agentName: string;
  llm: { baseUrl: string; apiKey: string | null; model: string; contextWindow?: number };
  /** What the binding sets other than its defaults. */
  binding?: {
    push_policy?: { ci_files: "refuse" | "flag" } | undefined;
    instructions?: string | undefined;
    wall_clock_ms?: number | undefined;
    turns?: number | undefined;
  };
}

export interface BuiltWorkspace {
  key: string;
  agentId: string;
  /** `path` is the bare repository on this machine, also behind a forge. */
  repository: Repository & { path: string };
  /** To the place of the repository. */
  git: ConnectionWithSecret;
  /** Makes an item; with `assign` the agent is its assignee from the start. */
  createItem(item: Pick<NewWorkItem, "title" | "description">, assign: boolean): Promise<WorkItemDetail>;
  assign(itemKey: string): Promise<WorkItemDetail>;
}

/** Makes the first administrator of an empty server and signs in. */
export async function setUpServer(api: ApiClient, admin: Administrator): Promise<void> {
  await api.post("/api/v1/setup", admin, Account);
  await api.signIn(admin.email, admin.password);
}

/** Makes, through the API, all that an assignment needs: workspace, repository with files, model, agent and binding. */
export async function buildWorkspace(api: ApiClient, plan: WorkspacePlan): Promise<BuiltWorkspace> {
  const { key } = await api.post("/api/v1/workspaces", { key: plan.key, name: plan.name }, Workspace);
  const base = `/api/v1/workspaces/${key}`;
  const { git, repository } = await addRepository(api, base, plan);
  const { llm } = plan;
  const connection = await api.post(
    `${base}/connections`,
    {
      kind: "llm",
      name: "Model",
      base_url: llm.baseUrl,
      api_key: llm.apiKey,
      context_window: llm.contextWindow ?? null,
    },
    Connection,
  );
  const { instructions = "", push_policy = {}, ...limits } = plan.binding ?? {};
  const agent = await api.post(`${base}/agents`, { name: plan.agentName }, UserRef);
  await api.post(
    `${base}/bindings`,
    {
      agent_user_id: agent.id,
      repository_id: repository.id,
      llm_connection_id: connection.id,
      model: llm.model,
      instructions,
      limits,
      push_policy,
    },
    Binding,
  );
  return {
    key,
    agentId: agent.id,
    repository,
    git,
    createItem: (item, assign) =>
      api.post(`${base}/items`, { ...item, assignee_id: assign ? agent.id : null }, WorkItemDetail),
    assign: (itemKey) => api.patch(`/api/v1/items/${itemKey}`, { assignee_id: agent.id }, WorkItemDetail),
  };
}

async function addRepository(api: ApiClient, base: string, plan: WorkspacePlan) {
  const { forge } = plan;
  const connection = forge
    ? { provider: forge.kind, name: forge.kind, base_url: forge.url, token: forge.tokens.full }
    : { name: "Local repositories" };
  const git = await api.post(`${base}/connections`, { kind: "git", ...connection }, ConnectionWithSecret);
  // On a forge the repository is there first; here it is made.
  if (forge) await addProject(plan.projectDir, forge.dir);
  const address = forge?.repository ?? { owner: "demo", name: plan.repositoryName };
  const made = await api.post(`${base}/repositories`, { connection_id: git.id, ...address }, Repository);
  const path = forge?.dir ?? made.path;
  if (path === undefined)
    throw new Error("the server did not say where the repository is; sign in as its administrator");
  if (!forge) await importProject(plan.projectDir, path);
  return { git, repository: { ...made, path } };
}

/** Adds a folder's files to `main` of a bare repository that has one. */
async function addProject(projectDir: string, bareRepository: string): Promise<void> {
  using work = tempDir();
  await gitOut(["clone", "--quiet", "--branch", "main", bareRepository, "."], work.path);
  await commitTree(work.path, { from: projectDir }, "Add the project");
  await gitOut(["push", "--quiet", "origin", "main"], work.path);
}

/** Makes a folder's files the first commit of `main` in a bare repository on this machine. */
async function importProject(projectDir: string, bareRepository: string): Promise<void> {
  using work = tempDir();
  await createRepository(work.path, { from: projectDir });
  await gitOut(["push", "--quiet", bareRepository, "main"], work.path);
}
