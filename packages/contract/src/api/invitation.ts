import { z } from "zod";
import { INVITATION_DAYS, INVITATION_DAYS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { lineOfText } from "../text.ts";
import { NewPerson } from "./user.ts";
import { Role } from "./workspace.ts";

/** Invites one person into a workspace by a link that works once. */
export const NewInvitation = z.strictObject({
  role: Role.default("member"),
  /** Only the account with this address can take it; null for whoever has the link. */
  email: z.email().max(254).toLowerCase().nullable().default(null),
  expires_in_days: z.int().min(1).max(INVITATION_DAYS_MAX).default(INVITATION_DAYS),
});
export type NewInvitation = z.infer<typeof NewInvitation>;

/** An invitation that can still be taken. */
export const Invitation = z.object({
  id: z.int(),
  role: Role,
  email: z.string().nullable(),
  /** Name of who invited. */
  created_by: z.string(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
});
export type Invitation = z.infer<typeof Invitation>;
/** Newest first. */
export const InvitationList = z.object({ invitations: z.array(Invitation) });
export type InvitationList = z.infer<typeof InvitationList>;

/** `url` is `<base>/invite/wsin_…`, shown once. */
export const InvitationWithLink = Invitation.extend({ url: z.string() });
export type InvitationWithLink = z.infer<typeof InvitationWithLink>;

/** The secret of a link, from the end of its path. */
export const InvitationToken = z.strictObject({ token: z.string().max(100) });

/** What the page of a link shows to whoever has it. */
export const InvitationView = z.object({
  workspace: z.object({ key: z.string(), name: z.string() }),
  role: Role,
  email: z.string().nullable(),
  invited_by: z.string(),
  expires_at: z.iso.datetime(),
});
export type InvitationView = z.infer<typeof InvitationView>;

/** Takes an invitation with a new account, which can sign in at once. Who has one signs in and accepts instead. */
export const InvitationSignUp = z.strictObject({
  token: z.string().max(100),
  name: lineOfText(NAME_CHARS_MAX),
  email: NewPerson.shape.email,
  password: NewPerson.shape.password,
});
export type InvitationSignUp = z.infer<typeof InvitationSignUp>;

/** The workspace one is in now. */
export const JoinedWorkspace = z.object({ key: z.string(), name: z.string(), role: Role });
export type JoinedWorkspace = z.infer<typeof JoinedWorkspace>;
