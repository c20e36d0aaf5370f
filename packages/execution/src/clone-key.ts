import { createHash } from "node:crypto";
import type { JobSpec } from "@windshift/contract/job.ts";

/** The part of a clone's address that is the run's and not the repository's. */
const OF_THE_RUN = /(\/git-proxy\/)\d+(\/)/;

/**
 * Names the bare clone that a job's checkout is made of. All that is in it goes into the checkout, so nobody else's repository may
 * ever have the same: the server's key tells the workspaces of one server apart, the address tells servers apart, and repositories
 * that had the same numbers before and after a backup was restored.
 * @returns `[a-z0-9-]`
 */
export function cloneKey({ cache_key, clone_url }: JobSpec["repo"]): string {
  const place = clone_url.replace(OF_THE_RUN, "$1$2");
  return `${cache_key}-${createHash("sha256").update(place).digest("hex").slice(0, 16)}`;
}
