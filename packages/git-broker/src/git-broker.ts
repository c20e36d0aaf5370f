import { RunId } from "@windshift/contract/ids.ts";
import { basicPassword } from "./basic-auth.ts";
import { advertise } from "./git-advertise.ts";
import type { GitAudit, GitGrant, GitGrants } from "./git-grant.ts";
import { type GitRoute, parseGitRoute } from "./git-route.ts";
import { BODY_IDLE_MS_MAX, withIdleLimit } from "./patient-body.ts";
import { receivePack } from "./receive-pack.ts";
import { BodyRefused, refusal } from "./refusal.ts";
import { RequestSlots } from "./request-slots.ts";
import { PushTips, ShownTips } from "./shown-tips.ts";
import { uploadPack } from "./upload-pack.ts";

export interface GitBrokerDeps {
  grants: GitGrants;
  audit: GitAudit;
  /** Silence in the middle of a request body after which it is given up, ms. Shorter in tests. */
  bodyIdleMsMax?: number;
}

/**
 * Serves git's smart HTTP below `/api/git-proxy/`, in repositories at `{run}/{owner}/{repo}.git`: a run's token in, the granted repository out, one ref to push.
 * Streams both ways. Refusals are `text/plain` for people. An attempt that is no longer the live one is refused before
 * any byte of its pack, or else before its last one.
 * @throws AppError `upstream_failed` when the repository could not be read or written
 * @returns 401 only when no credential came at all; a wrong one gets the 404 of an unknown run
 */
export function createGitBroker(deps: GitBrokerDeps): (request: Request) => Promise<Response> {
  const tips = { shown: new ShownTips(), push: new PushTips() };
  const slots = new RequestSlots();
  return async (request) => closing(request, await serve(request));

  async function serve(request: Request): Promise<Response> {
    if (isAmbiguous(request)) return refusal(400, "one Host and one Content-Length");
    const password = basicPassword(request.headers.get("authorization"));
    if (password.kind === "absent") return refusal(401, "this address needs the git token of a run");
    const route = parseGitRoute(request.method, request.url);
    if (route === undefined || password.kind === "malformed") return notFound();
    const grant = await findGrant(deps.grants, route, password.value);
    if (grant === undefined) return notFound();
    try {
      const asked = { run: grant.runId, streams: route.kind !== "advertise", signal: request.signal };
      return await slots.serve(asked, () => answer(route, request, grant));
    } catch (error) {
      if (error instanceof BodyRefused) return refusal(error.status, error.message);
      throw error;
    }
  }

  async function answer(route: GitRoute, request: Request, grant: GitGrant): Promise<Response> {
    if (grant.mayPush === false && isPush(route)) return refusePush(grant, deps.audit);
    if (route.kind === "advertise") return advertise(request, route.service, grant, tips);
    const limited = withIdleLimit(request, deps.bodyIdleMsMax ?? BODY_IDLE_MS_MAX);
    return route.kind === "upload-pack"
      ? uploadPack(limited, grant, tips.shown, deps.audit)
      : receivePack(limited, grant, tips.push, deps.audit);
  }
}

/**
 * A client that asked whether it may send its body, and may not, loses its connection: the runtime says `100 Continue` by itself
 * before we are asked, and would read the whole body only to drop it (GB-15).
 */
function closing(request: Request, response: Response): Response {
  if (response.status >= 400 && request.headers.has("expect")) response.headers.set("connection", "close");
  return response;
}

function isPush(route: GitRoute): boolean {
  return (
    route.kind === "receive-pack" || (route.kind === "advertise" && route.service === "git-receive-pack")
  );
}

/** Before a byte of the push is read, and before the repository's host is asked anything. */
async function refusePush({ runId, attempt }: GitGrant, audit: GitAudit): Promise<Response> {
  const why = "this run may push nothing: it is a test run";
  await audit.refused({ runId, attempt, refs: [], why });
  return refusal(403, why);
}

/** Two readers could understand such a request differently. Bun's parser refuses the rest of that kind itself. */
function isAmbiguous({ headers }: Request): boolean {
  return [headers.get("host"), headers.get("content-length")].some((value) => value?.includes(",") === true);
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
