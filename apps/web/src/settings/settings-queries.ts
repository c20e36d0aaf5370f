import { queryOptions } from "@tanstack/react-query";
import { AgentList } from "@windshift/contract/api/agent.ts";
import { Binding } from "@windshift/contract/api/binding.ts";
import { Connection, ForgeRepositoryPage } from "@windshift/contract/api/connection.ts";
import { InvitationList } from "@windshift/contract/api/invitation.ts";
import { LabelList } from "@windshift/contract/api/label.ts";
import { Model } from "@windshift/contract/api/model.ts";
import { Repository } from "@windshift/contract/api/repository.ts";
import { SkillDetail, SkillList, SkillVersionPage } from "@windshift/contract/api/skill.ts";
import { WorkspaceUsage } from "@windshift/contract/api/usage.ts";
import { Member } from "@windshift/contract/api/workspace.ts";
import { z } from "zod";
import { getApi, queryString } from "../api/api.ts";
import { queryClient } from "../api/query-client.ts";
import { onFirstUse } from "../parts/first-use.ts";

const byName = onFirstUse(() => new Intl.Collator("en", { numeric: true }));

/** As people count: 2 before 10. */
function sortedByName({ labels }: LabelList): LabelList {
  return { labels: labels.toSorted((a, b) => byName().compare(a.name, b.name)) };
}

/** A list below a workspace: `/api/v1/workspaces/KEY/NAME`. */
function listOf<T extends z.ZodType>(name: string, schema: T) {
  return (workspace: string) =>
    queryOptions({
      queryKey: ["settings", workspace, name],
      queryFn: ({ signal }) => getApi(`/api/v1/workspaces/${workspace}/${name}`, schema, signal),
    });
}

export const membersQuery = listOf("members", z.object({ members: z.array(Member) }));
export const invitationsQuery = listOf("invitations", InvitationList);
export const bindingsQuery = listOf("bindings", z.object({ bindings: z.array(Binding) }));
export const agentsQuery = listOf("agents", AgentList);
export const connectionsQuery = listOf("connections", z.object({ connections: z.array(Connection) }));
export const repositoriesQuery = listOf("repositories", z.object({ repositories: z.array(Repository) }));
export const skillsQuery = listOf("skills", SkillList);
export const labelsQuery = (workspace: string) =>
  queryOptions({ ...listOf("labels", LabelList)(workspace), select: sortedByName });
export const usageQuery = listOf("usage", WorkspaceUsage);

/** Models that the server knows of a connection, with their windows and prices. */
export function modelsQuery(connection: number) {
  return queryOptions({
    queryKey: ["connection", connection, "models"],
    queryFn: ({ signal }) =>
      getApi(`/api/v1/connections/${connection}/models`, z.object({ models: z.array(Model) }), signal),
  });
}

/**
 * One page of what a connection's credential sees at the forge. Not tried again: a forge that refuses goes on doing so, and its reason
 * is wanted now.
 */
export function forgeRepositoriesQuery(connection: number, search: string, page: number) {
  return queryOptions({
    queryKey: ["connection", connection, "repositories", search, page],
    queryFn: ({ signal }) =>
      getApi(
        `/api/v1/connections/${connection}/repositories${queryString({ search, page })}`,
        ForgeRepositoryPage,
        signal,
      ),
    retry: false,
  });
}

/** A skill with the text of its newest version. */
export function skillQuery(skill: number) {
  return queryOptions({
    queryKey: ["skill", skill],
    queryFn: ({ signal }) => getApi(`/api/v1/skills/${skill}`, SkillDetail, signal),
  });
}

/** The newest versions of a skill, newest first, one page. */
export function skillVersionsQuery(skill: number) {
  return queryOptions({
    queryKey: ["skill", skill, "versions"],
    queryFn: ({ signal }) => getApi(`/api/v1/skills/${skill}/versions`, SkillVersionPage, signal),
  });
}

/** Reads anew what a page of the settings shows, and lets other pages read theirs anew; resolves when it is there. */
export async function refreshSettings(workspace: string, ...names: string[]): Promise<void> {
  void queryClient.invalidateQueries({ refetchType: "none" });
  const keys = names.length === 0 ? [[]] : names.map((name) => [name]);
  await Promise.all(
    keys.map((rest) => queryClient.invalidateQueries({ queryKey: ["settings", workspace, ...rest] })),
  );
}
