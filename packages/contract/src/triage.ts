import { z } from "zod";
import { BranchName } from "./branch-name.ts";
import { Changes, Patch } from "./changes.ts";
import { Attempt, Oid, RunId } from "./ids.ts";

/**
 * What the runner asks of `windshift-triage`: one JSON document on its stdin (so the token is in no argv and no
 * environment), one TriageReply on its stdout, human-readable progress on stderr.
 */
const Common = {
  run_id: RunId,
  attempt: Attempt,
  clone_url: z.url({ protocol: /^https?$/ }),
  /** The run's git token; Basic password at the broker. */
  token: z.string(),
  /** Bare cache of this repository, absolute; made when missing. */
  cache_dir: z.string().startsWith("/"),
  branch: BranchName,
};
export const TriageRequest = z.discriminatedUnion("op", [
  z.object({
    op: z.literal("prepare"),
    ...Common,
    base_ref: BranchName,
    /** What the server saw the base branch point at when it gave the job away: nothing is fetched when the cache has it. */
    base_oid: Oid.nullable().default(null),
    /** Tip of the run's branch when an earlier attempt pushed one: the checkout starts from it. Null starts from the base. */
    branch_oid: Oid.nullable(),
    /** Empty folder that becomes the checkout. Kept, not replaced: a container may already be bound to it. */
    checkout_dir: z.string().startsWith("/"),
    /** Owner the checkout is given to; null leaves it as it is. */
    owner: z.object({ uid: z.int(), gid: z.int() }).nullable(),
  }),
  z.object({
    op: z.literal("push"),
    ...Common,
    /** The bundle that came out of the export container: data from a hostile place. */
    bundle_file: z.string().startsWith("/"),
    /** Folder for the clean repository, absolute; must not exist, removed at the end. */
    clean_dir: z.string().startsWith("/"),
    base_oid: Oid,
    branch_oid: Oid.nullable(),
    /** For the commit that stands in for a rewritten history. */
    message: z.string(),
    /** `patch`: nothing is pushed and the broker not called; the commits come back as a patch. */
    deliver: z.enum(["push", "patch"]).default("push"),
  }),
]);
export type TriageRequest = z.infer<typeof TriageRequest>;

export const TriageReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("prepared"), base_oid: Oid }),
  /** `flattened`: the agent had rewritten history below the base, so its final tree was committed on the base as one commit. */
  z.object({
    kind: z.literal("pushed"),
    head_oid: Oid,
    commits: z.int().min(1),
    flattened: z.boolean(),
    /** Left out when git could not tell. */
    changes: Changes.optional(),
  }),
  z.object({
    kind: z.literal("patched"),
    commits: z.int().min(1),
    flattened: z.boolean(),
    changes: Changes.optional(),
    patch: Patch,
  }),
  z.object({ kind: z.literal("no_changes") }),
  /** An expected failure; `detail` is for people and holds no secret. */
  z.object({
    kind: z.literal("failed"),
    reason: z.enum(["prepare_failed", "export_failed", "push_rejected"]),
    detail: z.string(),
    /** Nobody answered, or the connection broke: another try may do. */
    unreachable: z.literal(true).optional(),
    /** The server, or the forge behind it, answered with 429 or 5xx: it has too much to do or is being restarted. */
    busy: z.literal(true).optional(),
    /** Of commits that were not taken: what they change, so that the work is not lost with the checkout. */
    changes: Changes.optional(),
    patch: Patch.optional(),
  }),
]);
export type TriageReply = z.infer<typeof TriageReply>;
