import { z } from "zod";

/** Name of the manifest in the tar; it stands first. */
export const MANIFEST = "manifest.json";
export const DATABASE_FILE = "windshift.db";
/** What pg_dump wrote, in its own format. */
export const DUMP_FILE = "windshift.dump";

/** `3/acme/project`: workspace, owner and name, as the folders of local repositories are. */
const RepositoryPath = z
  .string()
  .regex(/^[1-9][0-9]{0,9}(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){2}$/, "not the path of a repository");

/** What a backup holds. */
export const BackupManifest = z.object({
  format: z.literal(1),
  /** Version of the server that wrote it. */
  windshift: z.string(),
  created_at: z.iso.datetime(),
  /** Whether the database is in it. */
  database: z.boolean(),
  /** Which; a backup from before it was said has the embedded one. */
  engine: z.enum(["sqlite", "postgres"]).default("sqlite"),
  repositories: z.array(
    z.object({
      path: RepositoryPath,
      /** What HEAD points to: `refs/heads/main`. */
      head: z.string().regex(/^refs\/heads\/[^\s]{1,300}$/, "not a branch"),
      /** File in the tar; null for a repository without a commit. */
      bundle: z.string().nullable(),
    }),
  ),
});
export type BackupManifest = z.infer<typeof BackupManifest>;

/** Name of a repository's file in the tar. */
export function bundleName(path: string): string {
  return `repositories/${path}.bundle`;
}
