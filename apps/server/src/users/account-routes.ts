import {
  MePatch,
  PasswordChange,
  PasswordLinkToken,
  PasswordLinkView,
  PasswordReset,
  SessionList,
} from "@windshift/contract/api/user.ts";
import { assert } from "@windshift/contract/app-error.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { type ApiEnv, actingPersonOf, addressOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { TryLimit } from "../http/try-limit.ts";
import { changeOwnPassword, endOwnSessions } from "./own-account.ts";
import { usePasswordLink, viewPasswordLink } from "./password-link.ts";
import { listSessions } from "./session-store.ts";
import type { SignIn } from "./sign-in.ts";

/** Passwords that one person may try, and links that one address may: each costs a tenth of a second of a core. */
const TRIES_MAX = { tries: 10, windowMs: 60_000 };

const SessionParams = z.object({ session: z.string().max(64) });

/** What people do with their own account: name, password, sessions. */
export function addAccountRoutes(table: RouteTable, ports: { database: Database; signIn: SignIn }): void {
  addOwn(table, ports);
  addSessions(table, ports);
  addPasswordLinks(table, ports);
}

function addOwn(table: RouteTable, { database, signIn }: { database: Database; signIn: SignIn }): void {
  const tries = new TryLimit(TRIES_MAX);
  table.add(
    {
      method: "patch",
      path: "/api/v1/me",
      access: "session",
      summary: "Change the caller's name",
      request: { body: jsonBody(MePatch) },
      responses: { 204: { description: "Changed" } },
    },
    async (c) => {
      const { name } = c.req.valid("json");
      await database.kysely
        .updateTable("user")
        .set({ name, updatedAt: new Date().toISOString() })
        .where("id", "=", personOf(c).userId)
        .execute();
      return c.body(null, 204);
    },
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/me/password",
      access: "session",
      summary: "Change the caller's password; their other sessions and API tokens end",
      request: { body: jsonBody(PasswordChange) },
      responses: { 204: { description: "Changed" } },
    },
    async (c) => {
      const by = { ...actingPersonOf(c), session: sessionOf(c) };
      tries.require(by.user);
      await changeOwnPassword(database, signIn, c.req.valid("json"), by);
      return c.body(null, 204);
    },
  );
}

function addSessions(table: RouteTable, { database }: { database: Database }): void {
  table.add(
    {
      method: "get",
      path: "/api/v1/me/sessions",
      access: "session",
      summary: "Browsers that are signed in as the caller",
      responses: { 200: jsonReply(SessionList, "Newest first") },
    },
    async (c) => {
      const sessions = await listSessions(database.kysely, personOf(c).userId, sessionOf(c));
      return c.json({ sessions }, 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/me/sessions",
      access: "session",
      summary: "Sign out everywhere else, API tokens included",
      responses: { 204: { description: "Ended" } },
    },
    async (c) => {
      await endOwnSessions(database, { except: sessionOf(c) }, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
  table.add(
    {
      method: "delete",
      path: "/api/v1/me/sessions/{session}",
      access: "session",
      summary: "Sign out one browser",
      request: { params: SessionParams },
      responses: { 204: { description: "Ended" } },
    },
    async (c) => {
      await endOwnSessions(database, { only: c.req.valid("param").session }, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
}

function addPasswordLinks(
  table: RouteTable,
  { database, signIn }: { database: Database; signIn: SignIn },
): void {
  const tries = new TryLimit(TRIES_MAX);
  table.add(
    {
      method: "post",
      path: "/api/v1/password-links/view",
      access: "public",
      summary: "Whom a link to choose a password is for",
      request: { body: jsonBody(PasswordLinkToken) },
      responses: { 200: jsonReply(PasswordLinkView, "The person") },
    },
    async (c) => {
      tries.require(addressOf(c));
      return c.json(await viewPasswordLink(database, c.req.valid("json").token), 200);
    },
  );
  table.add(
    {
      method: "post",
      path: "/api/v1/password-links/reset",
      access: "public",
      summary: "Choose a password with a link, once",
      request: { body: jsonBody(PasswordReset) },
      responses: { 204: { description: "Set; sign in with it" } },
    },
    async (c) => {
      const address = addressOf(c);
      tries.require(address);
      const { token, password } = c.req.valid("json");
      await usePasswordLink(database, token, () => signIn.hashPassword(password), address);
      return c.body(null, 204);
    },
  );
}

/** Id of the session of a request whose route admits sessions only. */
function sessionOf(c: Context<ApiEnv>): string {
  const { via } = personOf(c);
  assert(via.kind === "session", "the route admits sessions");
  return via.id;
}
