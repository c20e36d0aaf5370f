import { z } from "zod";
import type { ForgeClient, RepositoryAddress } from "./forge-client.ts";
import { ask, orNull } from "./forge-reply.ts";
import type { GitlabApi } from "./gitlab-api.ts";
import { projectPath } from "./gitlab-merge-requests.ts";
import { GITLAB_DEVELOPER, GitlabProject } from "./gitlab-schemas.ts";

const Self = z.object({ id: z.number(), username: z.string() });
const Member = z.object({ access_level: z.int() });
/** Roles below Developer. Source: GitLab's access levels. */
const ROLES: Readonly<Record<number, string>> = {
  5: "Minimal Access",
  10: "Guest",
  15: "Planner",
  20: "Reporter",
};

/**
 * By the account's role, then by git's front, which also knows what the token may. A project tells the role only where it is
 * given directly or by its own group, so for one that is shared with another group the members are asked.
 */
export async function findMissingGitlabRight(
  api: GitlabApi,
  repository: RepositoryAddress,
  mayPush: () => Promise<boolean | undefined>,
): ReturnType<ForgeClient["findMissingRight"]> {
  const at = projectPath(repository);
  const { canPush } = await ask(GitlabProject, () => api.projects.show(at));
  if (!canPush) {
    const { id, username } = await ask(Self, () => api.users.showCurrentUser());
    const member = await orNull(ask(Member, () => api.members.show(at, id, { includeInherited: true })));
    const level = member?.access_level ?? 0;
    if (level < GITLAB_DEVELOPER)
      return `The account ${username} may not push to ${at}: ${ROLES[level] === undefined ? "it is no member" : `its role is ${ROLES[level]}`}. Give it at least the role Developer.`;
  }
  if ((await mayPush()) !== false) return undefined;
  return `The token may not push to ${at}: make one with the scope \`api\`; a project or group token also needs at least the role Developer.`;
}
