/** @jsxImportSource hono/jsx */
import { Binding } from "@windshift/contract/api/binding.ts";
import { ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { Model } from "@windshift/contract/api/model.ts";
import { WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { WorkspaceKey } from "@windshift/contract/ids.ts";
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { z } from "zod";
import type { ApiEnv } from "../http/api-env.ts";
import { BudgetsPage } from "./budgets-page.tsx";
import { NewConnectionPage } from "./connection-form.tsx";
import { findConnectionKind } from "./connection-kinds.ts";
import { ConnectionPage, type ConnectionView } from "./connection-page.tsx";
import { ConnectionsPage } from "./connections-page.tsx";
import { ForgeRepositoriesPage, type ForgeRepositoriesView } from "./forge-repositories-page.tsx";
import type { ModelView } from "./model-rows.tsx";
import type { PageApi } from "./page-api.ts";
import { readSettings, type SettingsView } from "./settings-frame.tsx";

type Render = (api: PageApi, c: Context<ApiEnv>) => Promise<Child>;

/** The pages for admins of a workspace. Others get the page of the API's refusal. */
export function addSettingsPages(page: (path: string, render: Render) => void): void {
  const admin = (
    path: string,
    render: (api: PageApi, c: Context<ApiEnv>, view: SettingsView) => Promise<Child>,
  ) =>
    page(`/workspaces/:key/${path}`, async (api, c) =>
      render(api, c, await readSettings(api, parsed(WorkspaceKey, c.req.param("key")))),
    );

  admin("settings", async (_, __, view) => <ConnectionsPage view={view} />);
  admin("budgets", async (api, _, view) => {
    const usage = await api.get(`/api/v1/workspaces/${view.workspace}/usage`, WorkspaceUsage);
    return <BudgetsPage view={{ ...view, usage, bindings: await readBindings(api, view.workspace) }} />;
  });
  admin("connections/new/:kind", async (_, c, view) => {
    const kind = findConnectionKind(c.req.param("kind") ?? "");
    if (kind === undefined) throw nothingHere();
    return <NewConnectionPage view={view} kind={kind} />;
  });
  admin("connections/:id/repositories", async (api, c, view) => (
    <ForgeRepositoriesPage view={await readForgeRepositories(api, c, view)} />
  ));
  admin("connections/:id", async (api, c, view) => (
    <ConnectionPage view={await readConnection(api, view, connectionOf(c, view))} />
  ));
}

const RowId = z
  .string()
  .regex(/^[1-9][0-9]{0,9}$/)
  .transform(Number);
const PageNumber = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform(Number)
  .default(1);

function connectionOf(c: Context<ApiEnv>, view: SettingsView): ConnectionView["connection"] {
  const id = parsed(RowId, c.req.param("id"));
  const connection = view.connections.find((one) => one.id === id);
  if (connection === undefined) throw nothingHere();
  return connection;
}

async function readConnection(
  api: PageApi,
  view: SettingsView,
  connection: ConnectionView["connection"],
): Promise<ConnectionView> {
  const bindings = await readBindings(api, view.workspace);
  const models = connection.kind === "llm" ? await readModels(api, connection.id, bindings) : [];
  return { ...view, connection, bindings, models };
}

async function readBindings(api: PageApi, workspace: string): Promise<Binding[]> {
  const path = `/api/v1/workspaces/${workspace}/bindings`;
  return (await api.get(path, z.object({ bindings: z.array(Binding) }))).bindings;
}

/** Models of which something is known, and those that agents call without anything being known of them; by name. */
async function readModels(api: PageApi, id: number, bindings: readonly Binding[]): Promise<ModelView[]> {
  const { models } = await api.get(`/api/v1/connections/${id}/models`, z.object({ models: z.array(Model) }));
  const views = new Map(
    models.map((facts): [string, ModelView] => [facts.model, { model: facts.model, facts, agents: [] }]),
  );
  for (const { agent, llm_connection_id, model, fallbacks } of bindings) {
    for (const called of [{ llm_connection_id, model }, ...fallbacks]) {
      if (called.llm_connection_id !== id || called.model === null) continue;
      const view = views.get(called.model) ?? { model: called.model, facts: undefined, agents: [] };
      view.agents.push(agent.name);
      views.set(called.model, view);
    }
  }
  return [...views.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
}

async function readForgeRepositories(
  api: PageApi,
  c: Context<ApiEnv>,
  view: SettingsView,
): Promise<ForgeRepositoriesView> {
  const connection = connectionOf(c, view);
  const page = parsed(PageNumber, c.req.query("page"));
  const search = (c.req.query("search") ?? "").trim().slice(0, SEARCH_CHARS_MAX);
  const query = new URLSearchParams({ page: String(page), ...(search === "" ? {} : { search }) });
  const found = await api
    .get(`/api/v1/connections/${connection.id}/repositories?${query}`, ForgeRepositoryPage)
    .catch((error: unknown) => {
      // That the person may ask was seen before: this is what the forge says.
      if (error instanceof AppError && error.code !== "unauthenticated") return { problem: error.message };
      throw error;
    });
  return { ...view, connection, search, page, found };
}

/** As much of a search as the API takes, characters. */
const SEARCH_CHARS_MAX = 100;

function parsed<T extends z.ZodType>(schema: T, value: string | undefined): z.infer<T> {
  const result = schema.safeParse(value);
  if (!result.success) throw nothingHere();
  return result.data;
}

function nothingHere(): AppError {
  return new AppError("not_found", "not found");
}
