import { join } from "node:path";
import { assert } from "@windshift/contract/app-error.ts";
import type { TriageReply, TriageRequest } from "@windshift/contract/triage.ts";
import { type Fetched, refreshCache } from "./bare-cache.ts";
import { findShared, handOver } from "./checkout-handover.ts";
import { discardCache, emptyCheckout, looksDamaged } from "./damaged-cache.ts";
import type { Failed } from "./git-failure.ts";
import { makeCheckout } from "./private-checkout.ts";
import { withTokenFile } from "./token-file.ts";
import type { TriageContext } from "./triage-context.ts";

type Prepare = Extract<TriageRequest, { op: "prepare" }>;

/**
 * Makes the checkout of one attempt: the host's bare copy is refreshed through the broker, then the empty folder becomes
 * a repository of its own on the run's branch, proven to share nothing, and is given to the container's user. An attempt
 * whose run has pushed before goes on from there. A bare copy that turns out to be damaged is thrown away and fetched anew, once.
 */
export async function prepare(context: TriageContext, request: Prepare): Promise<TriageReply> {
  const base = await withTokenFile(request, context.tempRoot, async (tokenFile) => {
    const made = await fetchAndCheckOut(context, request, tokenFile);
    if (made.kind === "fetched" || context.signal.aborted) return made;
    if (!(await looksDamaged(context, request.cache_dir, made.detail))) return made;
    context.progress("this host's copy of the repository is damaged; fetching it anew");
    await discardCache(context, request.cache_dir);
    await emptyCheckout(request.checkout_dir);
    return fetchAndCheckOut(context, request, tokenFile);
  });
  if (base.kind === "failed") return base;
  const shared = findShared(join(request.checkout_dir, ".git"));
  assert(shared.length === 0, `a fresh checkout shares files: ${shared.slice(0, 3).join("; ")}`);
  if (request.owner !== null) handOver(request.checkout_dir, request.owner);
  return { kind: "prepared", base_oid: base.oid };
}

async function fetchAndCheckOut(
  context: TriageContext,
  request: Prepare,
  tokenFile: string,
): Promise<Fetched | Failed> {
  const base = await refreshCache(context, request, tokenFile);
  if (base.kind === "failed") return base;
  const problem = await makeCheckout(context, {
    cacheDir: request.cache_dir,
    checkoutDir: request.checkout_dir,
    branch: request.branch,
    start: base.start,
  });
  return problem ?? base;
}
