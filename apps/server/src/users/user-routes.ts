import { Account, Me, NewAgent, NewPerson, SetupState, UserRef } from "@windshift/contract/api/user.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { record } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { addressOf, grantOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { countUnread } from "../notifications/notification-store.ts";
import { setRole } from "../workspaces/membership-store.ts";
import { listWorkspaces, workspaceScope } from "../workspaces/workspace-store.ts";
import { hasIdentity } from "./oidc-login.ts";
import { OIDC_SIGN_IN_PATH, type OidcProvider } from "./oidc-provider.ts";
import { isSetUp, setUp } from "./set-up.ts";
import type { SignIn } from "./sign-in.ts";
import { findPasswordHash, findUser, insertAgent } from "./user-store.ts";

export interface UserRoutePorts {
  database: Database;
  signIn: SignIn;
  /** Undefined where no sign-in provider is configured. */
  oidc: OidcProvider | undefined;
}

/** Sign-in, the first administrator, people and agent users. */
export function addUserRoutes(table: RouteTable, ports: UserRoutePorts): void {
  const { database, signIn, oidc } = ports;
  const session = { handler: "the sign-in library's own session cookie" };
  table.mount(["GET", "POST"], "/api/auth/*", session, (c) => signIn.handle(c.req.raw, addressOf(c)));

  table.add(
    {
      method: "get",
      path: "/api/v1/setup",
      access: "public",
      summary: "Whether there is an administrator, and how people sign in",
      responses: { 200: jsonReply(SetupState, "What a page needs before anybody is signed in") },
    },
    async (c) => {
      const provider = oidc && { name: oidc.settings.name, sign_in_path: OIDC_SIGN_IN_PATH };
      return c.json({ set_up: await isSetUp(database.kysely), oidc: provider ?? null }, 200);
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/setup",
      access: "public",
      summary: "Make the first administrator of a new installation",
      request: { body: jsonBody(NewPerson) },
      responses: { 201: jsonReply(Account, "The administrator") },
    },
    async (c) => {
      const person = c.req.valid("json");
      const id = await setUp(database, person, signIn.hashPassword);
      return c.json({ id, name: person.name, email: person.email, admin: true }, 201);
    },
  );

  table.add(
    {
      method: "get",
      path: "/api/v1/me",
      access: "person",
      summary: "The caller and the workspaces they are in",
      responses: { 200: jsonReply(Me, "The caller") },
    },
    async (c) => {
      const { userId, admin, via } = personOf(c);
      const user = await findUser(database.kysely, userId);
      if (user === undefined) throw new AppError("unauthenticated", "this account is gone");
      const workspaces = (await listWorkspaces(database.kysely, userId)).map(({ key, name, role }) => ({
        key,
        name,
        role,
      }));
      const { name, email } = user;
      const has_password = (await findPasswordHash(database.kysely, userId)) !== undefined;
      const oidc_linked = await hasIdentity(database.kysely, userId);
      const auth = via.kind === "session" ? { kind: via.kind } : via;
      const notifications_unread = await countUnread(database.kysely, userId);
      return c.json(
        { id: userId, name, email, admin, has_password, oidc_linked, auth, notifications_unread, workspaces },
        200,
      );
    },
  );

  table.add(
    {
      method: "post",
      path: "/api/v1/workspaces/{key}/agents",
      access: { role: "admin", in: workspaceScope },
      summary: "Make an agent user and add it to the workspace",
      request: { params: z.object({ key: z.string() }), body: jsonBody(NewAgent) },
      responses: { 201: jsonReply(UserRef, "The agent user") },
    },
    async (c) => {
      const { workspaceId } = grantOf(c);
      const { name } = c.req.valid("json");
      const id = await database.transaction(async (tx) => {
        const made = await insertAgent(tx, name);
        await setRole(tx, { workspaceId, userId: made, role: "member" });
        const actor = { user: personOf(c).userId };
        await record(tx, { workspaceId, actor, action: "agent.created", subject: `user ${made}` });
        return made;
      });
      return c.json({ id, name, kind: "agent" as const }, 201);
    },
  );
}
