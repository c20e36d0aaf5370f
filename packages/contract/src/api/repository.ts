import { z } from "zod";
import { BranchName } from "../branch-name.ts";
import { ConnectionId } from "../ids.ts";
import { RepositoryOwner, RepositorySlug } from "../job.ts";

export const Repository = z.object({
  id: z.int(),
  connection_id: z.int(),
  owner: z.string(),
  name: z.string(),
  default_branch: z.string(),
  /** Its page on the forge; null for the server's own. */
  web_url: z.string().nullable(),
  /** Folder of a local bare repository on the server; shown to administrators of the installation only. */
  path: z.string().optional(),
  created_at: z.iso.datetime(),
});
export type Repository = z.infer<typeof Repository>;

/**
 * On a `local` connection an empty bare repository is made. On a forge the repository must exist: its default branch is
 * taken from there, and the owner of a GitLab project may be a group in a group: `group/subgroup`.
 */
export const NewRepository = z.strictObject({
  connection_id: ConnectionId,
  owner: RepositoryOwner,
  name: RepositorySlug,
  /** Of a `local` repository; default `main`. */
  default_branch: BranchName.optional(),
  /** Begins a `local` repository with a commit that holds a README, so that an agent can start at once. */
  readme: z.boolean().default(false),
});
export type NewRepository = z.infer<typeof NewRepository>;
