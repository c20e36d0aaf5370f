import { ChangedFile, type Patch } from "@windshift/contract/changes.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { z } from "zod";
import type { Queries } from "../db/database.ts";

const Files = z.array(ChangedFile);

/** What a run's commits change, without the patch. */
export interface RunOutput {
  files: ChangedFile[];
  more: number;
  hasPatch: boolean;
}

/** Keeps what an attempt reported of its commits; what a later one reports takes its place. */
export async function keepOutput(tx: Queries, run: number, result: AttemptResult): Promise<void> {
  const { delivered } = result;
  if (delivered === undefined) return;
  const row = {
    attempt: result.attempt,
    files: JSON.stringify(delivered.files),
    files_more: delivered.more,
    patch: delivered.patch?.text ?? null,
    patch_truncated: delivered.patch?.truncated === true ? 1 : 0,
  };
  await tx
    .insertInto("run_outputs")
    .values({ run_id: run, ...row })
    .onConflict((oc) => oc.column("run_id").doUpdateSet(row))
    .execute();
}

/** What the commits of a run change. @returns undefined when it handed none over */
export async function findOutput(db: Queries, run: number): Promise<RunOutput | undefined> {
  const row = await db
    .selectFrom("run_outputs")
    .select((eb) => ["files", "files_more", eb("patch", "is not", null).as("has_patch")])
    .where("run_id", "=", run)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    files: Files.parse(JSON.parse(row.files)),
    more: row.files_more,
    hasPatch: Boolean(row.has_patch),
  };
}

/** The work as a patch, kept where it was not pushed. @returns undefined when there is none */
export async function findPatch(db: Queries, run: number): Promise<Patch | undefined> {
  const row = await db
    .selectFrom("run_outputs")
    .select(["patch", "patch_truncated"])
    .where("run_id", "=", run)
    .executeTakeFirst();
  return row?.patch == null ? undefined : { text: row.patch, truncated: row.patch_truncated === 1 };
}
