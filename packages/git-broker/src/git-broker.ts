import { RunId } from "@windshift/contract/ids.ts";
import { basicPassword } from "./basic-auth.ts";
import { advertise } from "./git-advertise.ts";
import type { GitAudit, GitGrant, GitGrants } from "./git-grant.ts";
import { type GitRoute, parseGitRoute } from "./git-route.ts";
import { receivePack } from "./receive-pack.ts";
import { refusal } from "./refusal.ts";
import { ShownTips } from "./shown-tips.ts";
import { uploadPack } from "./upload-pack.ts";

export interface GitBrokerDeps {
  grants: GitGrants;
  audit: GitAudit;
}

/**
 * Serves git's smart HTTP below GIT_PROXY_PATH: a run's token in, the granted repository out, one ref to push.
 * Streams both ways. Refusals are `text/plain` for people. An attempt that is no longer the live one is refused before
 * any byte of its pack, or else before its last one.
 * @throws AppError `upstream_failed` when the repository could not be read or written
 * @returns 401 only when no credential came at all; a wrong one gets the 404 of an unknown run
 */
export function createGitBroker(deps: GitBrokerDeps): (request: Request) => Promise<Response> {
  const tips = new ShownTips();
  return async (request) => {
    const password = basicPassword(request.headers.get("authorization"));
    if (password.kind === "absent") return refusal(401, "this address needs the git token of a run");
    const route = parseGitRoute(request.method, request.url);
    if (route === undefined || password.kind === "malformed") return notFound();
    const grant = await findGrant(deps.grants, route, password.value);
    if (grant === undefined) return notFound();
    switch (route.kind) {
      case "advertise":
        return advertise(request, route.service, grant, tips);
      case "upload-pack":
        return uploadPack(request, grant, tips, deps.audit);
      case "receive-pack":
        return receivePack(request, grant, deps.audit);
    }
  };
}

async function findGrant(grants: GitGrants, route: GitRoute, token: string): Promise<GitGrant | undefined> {
  const runId = RunId.safeParse(route.run);
  if (!runId.success) return undefined;
  const grant = await grants.find(runId.data, token);
  return grant?.owner === route.owner && grant.repo === route.repo ? grant : undefined;
}

/** One answer for an unknown path, run, repository and token, so that none of them can be told apart. */
function notFound(): Response {
  return refusal(404, "no such repository for this token");
}
