import { join } from "node:path";
import { assert } from "@windshift/contract/app-error.ts";
import type { TriageReply, TriageRequest } from "@windshift/contract/triage.ts";
import { refreshCache } from "./bare-cache.ts";
import { findShared, handOver } from "./checkout-handover.ts";
import { makeCheckout } from "./private-checkout.ts";
import { withTokenFile } from "./token-file.ts";
import type { TriageContext } from "./triage-context.ts";

/**
 * Makes the checkout of one attempt: the host's bare copy is refreshed through the broker, then the empty folder becomes
 * a repository of its own on the run's branch, proven to share nothing, and is given to the container's user. An attempt
 * whose run has pushed before goes on from there.
 */
export async function prepare(
  context: TriageContext,
  request: Extract<TriageRequest, { op: "prepare" }>,
): Promise<TriageReply> {
  const base = await withTokenFile(request, context.tempRoot, (tokenFile) =>
    refreshCache(context, request, tokenFile),
  );
  if (base.kind === "failed") return base;
  const problem = await makeCheckout(context, {
    cacheDir: request.cache_dir,
    checkoutDir: request.checkout_dir,
    branch: request.branch,
    start: base.start,
  });
  if (problem !== undefined) return problem;
  const shared = findShared(join(request.checkout_dir, ".git"));
  assert(shared.length === 0, `a fresh checkout shares files: ${shared.slice(0, 3).join("; ")}`);
  if (request.owner !== null) handOver(request.checkout_dir, request.owner);
  return { kind: "prepared", base_oid: base.oid };
}
