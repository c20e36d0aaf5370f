import { z } from "zod";
import { NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from "../limits.ts";
import { lineOfText } from "../text.ts";
import { TokenScope } from "./token.ts";
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
  /** Whether there is a password to sign in with and to change; false for those who only come by a sign-in provider. */
  has_password: z.boolean(),
  /** Whether the account is connected with the sign-in provider. */
  oidc_linked: z.boolean(),
  /** What speaks for the caller in this request. */
  auth: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("session") }),
    z.object({ kind: z.literal("token"), id: z.int(), name: z.string(), scopes: z.array(TokenScope) }),
  ]),
  /** What the caller has not read yet, over all workspaces. */
  notifications_unread: z.int(),
  workspaces: z.array(z.object({ key: z.string(), name: z.string(), role: Role })),
});
export type Me = z.infer<typeof Me>;

/** A person as an administrator of the installation sees them. */
export const Account = z.object({ id: z.string(), name: z.string(), email: z.string(), admin: z.boolean() });
export type Account = z.infer<typeof Account>;

/** A person in the list of people of an installation. */
export const AdminUser = Account.extend({
  /** A disabled person is signed out everywhere, API tokens included, and cannot sign in. */
  disabled: z.boolean(),
  /** How they can sign in: `password`, `oidc`, or both. */
  sign_in: z.array(z.enum(["password", "oidc"])),
  /** Whom the sign-in provider knows them as; it stays when their password is reset. */
  identities: z.array(z.object({ issuer: z.string(), subject: z.string(), connected_at: z.iso.datetime() })),
  /** Workspaces they are in. */
  workspaces_count: z.int(),
  created_at: z.iso.datetime(),
  /** When they last signed in with a browser, as far as that session is still known. */
  last_sign_in_at: z.iso.datetime().nullable(),
});
export type AdminUser = z.infer<typeof AdminUser>;

/** By name. `next_after` is the `after` of the next page, null at the end. */
export const AdminUserPage = z.object({ users: z.array(AdminUser), next_after: z.string().nullable() });
export type AdminUserPage = z.infer<typeof AdminUserPage>;

/** What a search for people looks for in names and e-mail addresses, characters. */
export const USER_SEARCH_CHARS_MAX = 200;

/** Changes a person; of a field that is left out nothing changes. */
export const AdminUserPatch = z
  .strictObject({ name: lineOfText(NAME_CHARS_MAX), admin: z.boolean(), disabled: z.boolean() })
  .partial();
export type AdminUserPatch = z.infer<typeof AdminUserPatch>;

const Password = z.string().min(PASSWORD_CHARS_MIN).max(PASSWORD_CHARS_MAX);
const Email = z.email().max(254).toLowerCase();

/** A new person, made by an administrator. Without a password the answer has a link with which they choose one. */
export const NewAdminUser = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX),
  email: Email,
  password: Password.optional(),
});
export type NewAdminUser = z.infer<typeof NewAdminUser>;

/** A one-time link with which a person chooses a password: `<base>/reset/wspr_…`. Shown once. */
export const PasswordLink = z.object({ url: z.string(), expires_at: z.iso.datetime() });
export type PasswordLink = z.infer<typeof PasswordLink>;

/** `password_link` is null when the administrator gave a password. */
export const MadeAdminUser = z.object({ user: AdminUser, password_link: PasswordLink.nullable() });
export type MadeAdminUser = z.infer<typeof MadeAdminUser>;

/** The secret of a one-time link, from the end of its path. */
export const PasswordLinkToken = z.strictObject({ token: z.string().max(100) });
/** Whom a link is for, to show before a password is chosen. */
export const PasswordLinkView = z.object({
  name: z.string(),
  email: z.string(),
  expires_at: z.iso.datetime(),
});
export type PasswordLinkView = z.infer<typeof PasswordLinkView>;
/** Chooses a password with a link. It ends every session and API token of the person; the link is used up. */
export const PasswordReset = z.strictObject({ token: z.string().max(100), password: Password });
export type PasswordReset = z.infer<typeof PasswordReset>;

/** The caller changes their own name. */
export const MePatch = z.strictObject({ name: lineOfText(NAME_CHARS_MAX) });
export type MePatch = z.infer<typeof MePatch>;

/** The caller changes their password; all other sessions and the API tokens of theirs end. */
export const PasswordChange = z.strictObject({
  current_password: z.string().max(PASSWORD_CHARS_MAX),
  new_password: Password,
});
export type PasswordChange = z.infer<typeof PasswordChange>;

/** One browser that is signed in as the caller. */
export const SessionView = z.object({
  /** Not a secret: nobody is signed in with it. */
  id: z.string(),
  /** The one of this request. */
  current: z.boolean(),
  created_at: z.iso.datetime(),
  /** Then it ends, if it is not used before. */
  expires_at: z.iso.datetime(),
  /** As the browser named itself, at most 300 characters. */
  user_agent: z.string().nullable(),
  /** From where it signed in. */
  address: z.string().nullable(),
});
export type SessionView = z.infer<typeof SessionView>;
/** Newest first. */
export const SessionList = z.object({ sessions: z.array(SessionView) });

/** What a page needs to know before anybody is signed in. */
export const SetupState = z.object({
  /** False as long as the first administrator has to be made. */
  set_up: z.boolean(),
  /** The sign-in provider, and what its button is called; null when none is configured. */
  oidc: z.object({ name: z.string(), sign_in_path: z.string() }).nullable(),
});
export type SetupState = z.infer<typeof SetupState>;

/** A new person. The first one of an installation is its administrator. */
export const NewPerson = z.strictObject({
  name: lineOfText(NAME_CHARS_MAX),
  email: Email,
  password: Password,
});
export type NewPerson = z.infer<typeof NewPerson>;

/** A new agent user of a workspace. It has no way to sign in. */
export const NewAgent = z.strictObject({ name: lineOfText(NAME_CHARS_MAX) });
export type NewAgent = z.infer<typeof NewAgent>;
