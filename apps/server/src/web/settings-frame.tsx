/** @jsxImportSource hono/jsx */
import { Connection } from "@windshift/contract/api/connection.ts";
import { Repository } from "@windshift/contract/api/repository.ts";
import { Me } from "@windshift/contract/api/user.ts";
import type { Child } from "hono/jsx";
import { z } from "zod";
import { type Crumb, Layout } from "./layout.tsx";
import type { PageApi } from "./page-api.ts";

/** What every page for the admins of a workspace begins with. */
export interface SettingsView {
  me: Me;
  workspace: string;
  connections: Connection[];
  repositories: Repository[];
}

/** @throws AppError `forbidden` or `not_found`, as the API says to who is no admin of the workspace */
export async function readSettings(api: PageApi, workspace: string): Promise<SettingsView> {
  const at = `/api/v1/workspaces/${workspace}`;
  const { connections } = await api.get(`${at}/connections`, z.object({ connections: z.array(Connection) }));
  const [me, { repositories }] = await Promise.all([
    api.get("/api/v1/me", Me),
    api.get(`${at}/repositories`, z.object({ repositories: z.array(Repository) })),
  ]);
  return { me, workspace, connections, repositories };
}

export function settingsPath(workspace: string): string {
  return `/workspaces/${workspace}/settings`;
}
export function budgetsPath(workspace: string): string {
  return `/workspaces/${workspace}/budgets`;
}
export function connectionPath(workspace: string, id: number | string): string {
  return `/workspaces/${workspace}/connections/${id}`;
}

/** A page of the settings: its title, the way to the others, and its sections. */
export function SettingsFrame(props: {
  view: Pick<SettingsView, "me" | "workspace">;
  title: string;
  /** The entry of the menu that the page belongs to. */
  part: "connections" | "budgets";
  /** Pages between the settings and this one. */
  crumbs?: readonly Crumb[];
  children?: Child;
}) {
  const { view, title, part, crumbs } = props;
  const { workspace } = view;
  const entry = (name: typeof part, text: string, href: string) => (
    <li>
      <a href={href} aria-current={name === part ? "true" : undefined}>
        {text}
      </a>
    </li>
  );
  return (
    <Layout
      title={title}
      person={view.me}
      crumbs={[
        { text: workspace, href: "/" },
        ...(crumbs === undefined
          ? [{ text: "Settings" }]
          : [{ text: "Settings", href: settingsPath(workspace) }, ...crumbs]),
      ]}
    >
      <div class="settings">
        <nav class="menu" aria-label="Settings">
          <ul>
            {entry("connections", "Connections", settingsPath(workspace))}
            {entry("budgets", "Budgets", budgetsPath(workspace))}
          </ul>
        </nav>
        <div class="settings-main">{props.children}</div>
      </div>
    </Layout>
  );
}
