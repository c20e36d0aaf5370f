import { z } from "zod";
import { RUN_FILES_MAX } from "./limits.ts";

/** A file that the commits of a run change against their base. Lines are null for what is not text. */
export const ChangedFile = z.object({
  path: z.string(),
  status: z.enum(["added", "modified", "deleted"]),
  added: z.int().min(0).nullable(),
  deleted: z.int().min(0).nullable(),
});
export type ChangedFile = z.infer<typeof ChangedFile>;

/** Bytes of the paths that are listed, as JSON: they go into the report of an attempt. */
export const CHANGED_PATHS_BYTES_MAX = 65_536;

/** All of them: the first `files`, by path, and how many there are beyond. */
export const Changes = z.object({ files: z.array(ChangedFile).max(RUN_FILES_MAX), more: z.int().min(0) });
export type Changes = z.infer<typeof Changes>;

/** A unified diff; `truncated`: only its first lines. Files that are not text are named, not contained. */
export const Patch = z.object({ text: z.string(), truncated: z.boolean() });
export type Patch = z.infer<typeof Patch>;
