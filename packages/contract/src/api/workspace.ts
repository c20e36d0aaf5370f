import { z } from "zod";
import { UserId, WorkspaceKey } from "../ids.ts";
import { NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";

/** What a person may do in a workspace, least first. An agent user is a `member` that cannot sign in. */
export const Role = z.enum(["viewer", "member", "admin"]);
export type Role = z.infer<typeof Role>;

/** Whether `role` includes what `needed` allows. */
export function allows(role: Role, needed: Role): boolean {
  return Role.options.indexOf(role) >= Role.options.indexOf(needed);
}

export const Workspace = z.object({
  key: WorkspaceKey,
  name: z.string(),
  /** What the caller may do in it. */
  role: Role,
  created_at: z.iso.datetime(),
});
export type Workspace = z.infer<typeof Workspace>;

export const NewWorkspace = z.strictObject({
  key: WorkspaceKey,
  name: lineOfText(NAME_CHARS_MAX),
});
export type NewWorkspace = z.infer<typeof NewWorkspace>;

/** The key stays: it stands in the name of every item and branch. */
export const WorkspacePatch = z.strictObject({ name: lineOfText(NAME_CHARS_MAX) });
export type WorkspacePatch = z.infer<typeof WorkspacePatch>;

export const Member = z.object({
  user_id: z.string(),
  name: z.string(),
  /** How comments call them, without the `@`; empty for a name without letters or digits. */
  handle: z.string(),
  kind: z.enum(["person", "agent"]),
  role: Role,
});
export type Member = z.infer<typeof Member>;

/** Adds somebody to a workspace, or changes the role of a member. */
export const NewMember = z.strictObject({ user_id: UserId, role: Role });
export type NewMember = z.infer<typeof NewMember>;
