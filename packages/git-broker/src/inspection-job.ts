import { Oid } from "@windshift/contract/ids.ts";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import { z } from "zod";

/** Where a push will lie, told before its pack is there: git can be started meanwhile. Nothing is answered. */
export const InspectionPlace = z.object({
  kind: z.literal("place"),
  /** The quarantine: a bare repository with the one pack of the push, and the objects known before as an alternate. */
  git_dir: z.string(),
  /** PATH on which git is looked for. */
  path: z.string().optional(),
});
export type InspectionPlace = z.infer<typeof InspectionPlace>;

/** What the inspecting process is asked: one line of JSON. */
export const InspectionJob = InspectionPlace.extend({
  kind: z.literal("job"),
  /** Index of the pack; null when the push brings no object. */
  index_file: z.string().nullable(),
  tip: Oid,
  /** The commit the run started from; null when its base branch had none. */
  base: Oid.nullable(),
  /** What the branch pointed at before; the upstream holds the push to it. */
  branch: Oid.nullable(),
  policy: PushPolicy,
});
export type InspectionJob = z.infer<typeof InspectionJob>;

export const InspectionLine = z.discriminatedUnion("kind", [InspectionPlace, InspectionJob]);

const Finding = z.object({
  kind: z.enum(["ci_file", "protected_file", "secret", "own_token", "not_scanned"]),
  path: z.string(),
  what: z.string(),
  more: z.int().positive().exactOptional(),
});

/**
 * Its answers, a line of JSON each. `looked_at` comes before the search for credentials, which runs patterns of others over
 * hostile text: when that never ends, this much is known. One of the other three ends the job.
 */
export const InspectionReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("looked_at"), findings: z.array(Finding) }),
  z.object({ kind: z.literal("done"), findings: z.array(Finding) }),
  /** The history or the size of the push is not what a run may bring. */
  z.object({ kind: z.literal("refused"), why: z.string() }),
  z.object({ kind: z.literal("failed"), why: z.string() }),
]);
export type InspectionReply = z.infer<typeof InspectionReply>;
