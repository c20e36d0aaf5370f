import {
  InvitationList,
  InvitationSignUp,
  InvitationToken,
  InvitationView,
  InvitationWithLink,
  JoinedWorkspace,
  NewInvitation,
} from "@windshift/contract/api/invitation.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { actingPersonOf, addressOf, grantOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { TryLimit } from "../http/try-limit.ts";
import type { SignIn } from "../users/sign-in.ts";
import { workspaceScope } from "../workspaces/workspace-store.ts";
import {
  acceptInvitation,
  createInvitation,
  revokeInvitation,
  signUpByInvitation,
  viewInvitation,
} from "./invitation.ts";
import { listInvitations } from "./invitation-store.ts";

export interface InvitationPorts {
  database: Database;
  signIn: SignIn;
  baseUrl: string;
}

/** Links that one address may look up or take in a minute: each may cost a hash of a password. */
const TRIES_MAX = { tries: 20, windowMs: 60_000 };

const admin = { role: "admin", in: workspaceScope } as const;
const KeyParams = z.object({ key: z.string() });
const InvitationParams = z.object({ key: z.string(), invitation: RowIdParam });

/** Invitations into a workspace, by links that work once. */
export function addInvitationRoutes(table: RouteTable, ports: InvitationPorts): void {
  addOfWorkspace(table, ports);
  addTaking(table, ports);
}

function addOfWorkspace(table: RouteTable, { database, baseUrl }: InvitationPorts): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/workspaces/{key}/invitations",
      access: admin,
      summary: "Invitations that nobody took yet",
      request: { params: KeyParams },
      responses: { 200: jsonReply(InvitationList, "Newest first") },
    },
    async (c) => c.json({ invitations: await listInvitations(database, grantOf(c).workspaceId) }, 200),
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/invitations",
      access: admin,
      summary: "Invite somebody; the link is shown this once",
      request: { params: KeyParams, body: jsonBody(NewInvitation) },
      responses: { 201: jsonReply(InvitationWithLink, "The invitation") },
    },
    async (c) => {
      const parts = { baseUrl, by: actingPersonOf(c) };
      const made = await createInvitation(database, grantOf(c).workspaceId, c.req.valid("json"), parts);
      return c.json(made, 201);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/workspaces/{key}/invitations/{invitation}",
      access: admin,
      summary: "Take an invitation back",
      request: { params: InvitationParams },
      responses: { 204: { description: "Taken back" } },
    },
    async (c) => {
      const { invitation } = c.req.valid("param");
      await revokeInvitation(database, grantOf(c).workspaceId, invitation, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
}

function addTaking(table: RouteTable, { database, signIn }: InvitationPorts): void {
  const tries = new TryLimit(TRIES_MAX);
  table.add(
    {
      method: "post",
      path: "/api/v1/invitations/view",
      access: "public",
      summary: "What a link invites to",
      request: { body: jsonBody(InvitationToken) },
      responses: { 200: jsonReply(InvitationView, "The invitation") },
    },
    async (c) => {
      tries.require(addressOf(c));
      return c.json(await viewInvitation(database, c.req.valid("json").token), 200);
    },
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/invitations/accept",
      access: "session",
      summary: "Take an invitation with the caller's account",
      request: { body: jsonBody(InvitationToken) },
      responses: { 200: jsonReply(JoinedWorkspace, "The workspace") },
    },
    async (c) => {
      tries.require(addressOf(c));
      const { token } = c.req.valid("json");
      return c.json(await acceptInvitation(database, token, actingPersonOf(c)), 200);
    },
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/invitations/sign-up",
      access: "public",
      summary: "Take an invitation with a new account; sign in with it then",
      request: { body: jsonBody(InvitationSignUp) },
      responses: { 201: jsonReply(JoinedWorkspace, "The workspace") },
    },
    async (c) => {
      const address = addressOf(c);
      tries.require(address);
      const wanted = c.req.valid("json");
      return c.json(await signUpByInvitation(database, wanted, signIn.hashPassword, address), 201);
    },
  );
}
