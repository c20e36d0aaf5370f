import { z } from "zod";
import { BranchName } from "../branch-name.ts";
import { ConnectionId } from "../ids.ts";
import { RepositorySlug } from "../job.ts";

export const Repository = z.object({
  id: z.int(),
  connection_id: z.int(),
  owner: z.string(),
  name: z.string(),
  default_branch: z.string(),
  /** Folder of a local bare repository on the server; shown to administrators of the installation only. */
  path: z.string().optional(),
  created_at: z.iso.datetime(),
});
export type Repository = z.infer<typeof Repository>;

/** Makes an empty bare repository on a `local` connection. */
export const NewRepository = z.strictObject({
  connection_id: ConnectionId,
  owner: RepositorySlug,
  name: RepositorySlug,
  default_branch: BranchName.default("main"),
});
export type NewRepository = z.infer<typeof NewRepository>;
