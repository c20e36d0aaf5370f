import type { ForgeClient, ForgePullRequest } from "@windshift/forges/forge-client.ts";
import type { Queries } from "../db/database.ts";
import type { FollowedPull } from "./followed-pull.ts";

/** What a follow-up run would go on with, as the forge has it now and not as it was last time. */
export type BranchStanding =
  | { kind: "ours"; headOid: string }
  /** A person has pushed since our last push; the run goes on from there. */
  | { kind: "moved"; headOid: string }
  | { kind: "gone" }
  | { kind: "decided" };

/** @param found the pull request as the forge gave it just now */
export async function readStanding(
  db: Queries,
  client: ForgeClient,
  pull: FollowedPull,
  found: ForgePullRequest,
): Promise<BranchStanding> {
  if (found.state !== "open") return { kind: "decided" };
  const headOid = await client.readBranch({ owner: pull.owner, name: pull.name }, pull.sourceBranch);
  if (headOid === null) return { kind: "gone" };
  return { kind: (await isPushedByRun(db, pull, headOid)) ? "ours" : "moved", headOid };
}

/** Any run of the branch, also one at work that has pushed and is not published. */
async function isPushedByRun(db: Queries, pull: FollowedPull, oid: string): Promise<boolean> {
  const row = await db
    .selectFrom("runs")
    .select("id")
    .where((eb) => eb.or([eb("id", "=", pull.runId), eb("branch_run_id", "=", pull.runId)]))
    .where((eb) => eb.or([eb("pushed_oid", "=", oid), eb("head_oid", "=", oid)]))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
