import { z } from "zod";
import { NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "../limits.ts";
import { lineOfText } from "../text.ts";
import { Role } from "./workspace.ts";

export const UserKind = z.enum(["person", "agent"]);
export type UserKind = z.infer<typeof UserKind>;

/** A person or an agent where it is named: as assignee, creator or author. */
export const UserRef = z.object({ id: z.string(), name: z.string(), kind: UserKind });
export type UserRef = z.infer<typeof UserRef>;

/** The caller. */
export const Me = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  /** Administrates the whole installation. */
  admin: z.boolean(),
  workspaces: z.array(z.object({ key: z.string(), name: z.string(), role: Role })),
});
export type Me = z.infer<typeof Me>;

/** A person as an administrator of the installation sees them. */
export const Account = z.object({ id: z.string(), name: z.string(), email: z.string(), admin: z.boolean() });
export type Account = z.infer<typeof Account>;

/** A new person. The first one of an installation is its administrator. */
export const NewPerson = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX),
  email: z.email().max(254).toLowerCase(),
  password: z.string().min(PASSWORD_CHARS_MIN).max(PASSWORD_CHARS_MAX),
});
export type NewPerson = z.infer<typeof NewPerson>;

/** A new agent user of a workspace. It has no way to sign in. */
export const NewAgent = z.strictObject({ name: lineOfText(NAME_CHARS_MAX) });
export type NewAgent = z.infer<typeof NewAgent>;
