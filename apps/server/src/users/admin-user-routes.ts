import {
  AdminUser,
  AdminUserPage,
  AdminUserPatch,
  MadeAdminUser,
  NewAdminUser,
  PasswordLink,
  USER_SEARCH_CHARS_MAX,
} from "@windshift/contract/api/user.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { actingPersonOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { LimitParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import {
  changeAdminUser,
  createAdminUser,
  getAdminUser,
  resetPassword,
  signOutEverywhere,
} from "./admin-user.ts";
import { listAdminUsers } from "./admin-user-store.ts";
import type { SignIn } from "./sign-in.ts";

export interface AdminUserPorts {
  database: Database;
  signIn: SignIn;
  baseUrl: string;
}

const AT = "/api/v1/admin/users";
const UserParams = z.object({ user: z.string().max(64) });
const ListQuery = z.strictObject({
  q: z.string().max(USER_SEARCH_CHARS_MAX).optional(),
  state: z.enum(["active", "disabled"]).optional(),
  after: z.string().max(64).optional(),
  limit: LimitParam,
});

/** The people of the installation, for its administrators. */
export function addAdminUserRoutes(table: RouteTable, ports: AdminUserPorts): void {
  addListed(table, ports);
  addChanges(table, ports);
}

function addListed(table: RouteTable, { database, signIn, baseUrl }: AdminUserPorts): void {
  table.add(
    {
      method: "get",
      path: AT,
      access: "instance_admin",
      summary: "People of the installation",
      request: { query: ListQuery },
      responses: { 200: jsonReply(AdminUserPage, "By name") },
    },
    async (c) => {
      const { state, q, after, limit } = c.req.valid("query");
      const disabled = state === undefined ? undefined : state === "disabled";
      const users = await listAdminUsers(database.kysely, { q, after, limit, disabled });
      return c.json({ users, next_after: users.length === limit ? (users.at(-1)?.id ?? null) : null }, 200);
    },
  );
  table.add(
    {
      method: "post",
      path: AT,
      access: "instance_admin",
      summary: "Make a person; without a password, with a link to choose one, shown this once",
      request: { body: jsonBody(NewAdminUser) },
      responses: { 201: jsonReply(MadeAdminUser, "The person") },
    },
    async (c) => {
      const { password, ...person } = c.req.valid("json");
      const passwordHash = password === undefined ? undefined : await signIn.hashPassword(password);
      const by = actingPersonOf(c);
      return c.json(await createAdminUser(database, { ...person, passwordHash }, baseUrl, by), 201);
    },
  );
  table.add(
    {
      method: "get",
      path: `${AT}/{user}`,
      access: "instance_admin",
      summary: "One person",
      request: { params: UserParams },
      responses: { 200: jsonReply(AdminUser, "The person") },
    },
    async (c) => c.json(await getAdminUser(database.kysely, c.req.valid("param").user), 200),
  );
}

function addChanges(table: RouteTable, { database, baseUrl }: AdminUserPorts): void {
  table.add(
    {
      method: "patch",
      path: `${AT}/{user}`,
      access: "instance_admin",
      summary: "Rename a person, make them an administrator, disable or enable them",
      request: { params: UserParams, body: jsonBody(AdminUserPatch) },
      responses: { 200: jsonReply(AdminUser, "The person now") },
    },
    async (c) => {
      const { user } = c.req.valid("param");
      return c.json(await changeAdminUser(database, user, c.req.valid("json"), actingPersonOf(c)), 200);
    },
  );
  table.add(
    {
      method: "post",
      path: `${AT}/{user}/password-link`,
      access: "instance_admin",
      summary: "Make a link with which the person chooses a password; it is shown this once",
      request: { params: UserParams },
      responses: { 201: jsonReply(PasswordLink, "The link") },
    },
    async (c) => {
      const { user } = c.req.valid("param");
      return c.json(await resetPassword(database, user, baseUrl, actingPersonOf(c)), 201);
    },
  );
  table.add(
    {
      method: "delete",
      path: `${AT}/{user}/sessions`,
      access: "instance_admin",
      summary: "Sign a person out everywhere, API tokens included",
      request: { params: UserParams },
      responses: { 204: { description: "Ended" } },
    },
    async (c) => {
      await signOutEverywhere(database, c.req.valid("param").user, actingPersonOf(c));
      return c.body(null, 204);
    },
  );
}
