import {
  MintedRegistrationToken,
  NewPool,
  NewRegistrationToken,
  Pool,
  PoolPatch,
  RegistrationTokenRow,
  Runner,
  RunnerPoolsReply,
} from "@windshift/contract/api/pool.ts";
import { assert } from "@windshift/contract/app-error.ts";
import { PoolId } from "@windshift/contract/ids.ts";
import type { Context } from "hono";
import { z } from "zod";
import type { ActingPerson } from "../audit/audit-store.ts";
import type { Database } from "../db/database.ts";
import { type ApiEnv, addressOf, personOf } from "../http/api-env.ts";
import { jsonBody, jsonReply } from "../http/json.ts";
import { RowIdParam } from "../http/params.ts";
import type { RouteTable } from "../http/route-table.ts";
import { changePool, createPool, deletePool } from "../pools/pool.ts";
import { getPool, listPools } from "../pools/pool-store.ts";
import type { RunDefaults } from "../runs/run-create.ts";
import { readDiagnostics } from "./pool-diagnostics.ts";
import { listRegistrationTokens, mintRegistrationToken, revokeRegistrationToken } from "./registration.ts";
import { askToDrain, clearAlert, deleteRunner, revokeRunner } from "./runner-admin.ts";
import { installCommand } from "./runner-install.ts";

export interface PoolRouteParts {
  database: Database;
  /** As runners reach the server, without a trailing slash. */
  baseUrl: string;
  defaults: RunDefaults;
}

const AT = "/api/v1/admin";
const PoolParams = z.object({ pool: RowIdParam });
const TokenParams = z.object({ pool: RowIdParam, token: RowIdParam });
const RunnerParams = z.object({ runner: RowIdParam });

/** Pools, their registration tokens and their runners, for administrators of the installation. */
export function addPoolRoutes(table: RouteTable, parts: PoolRouteParts): void {
  addPools(table, parts);
  addTokens(table, parts);
  addRunners(table, parts);
}

function addPools(table: RouteTable, { database }: PoolRouteParts): void {
  const db = database.kysely;
  table.add(
    {
      method: "get",
      path: `${AT}/pools`,
      access: "instance_admin",
      summary: "Pools of runners",
      responses: { 200: jsonReply(z.object({ pools: z.array(Pool) }), "By name") },
    },
    async (c) => c.json({ pools: await listPools(db) }, 200),
  );
  table.add(
    {
      method: "post",
      path: `${AT}/pools`,
      access: "instance_admin",
      summary: "Make a pool of runners",
      request: { body: jsonBody(NewPool) },
      responses: { 201: jsonReply(Pool, "The pool") },
    },
    async (c) => {
      const id = await createPool(database, c.req.valid("json"), actingOf(c));
      return c.json(await getPool(db, id), 201);
    },
  );
  table.add(
    {
      method: "patch",
      path: `${AT}/pools/{pool}`,
      access: "instance_admin",
      summary: "Change cap, labels or workspaces of a pool",
      request: { params: PoolParams, body: jsonBody(PoolPatch) },
      responses: { 200: jsonReply(Pool, "The pool now") },
    },
    async (c) => {
      const { pool } = c.req.valid("param");
      await changePool(database, pool, c.req.valid("json"), actingOf(c));
      return c.json(await getPool(db, pool), 200);
    },
  );
  table.add(
    {
      method: "delete",
      path: `${AT}/pools/{pool}`,
      access: "instance_admin",
      summary: "Delete a pool that nothing uses",
      request: { params: PoolParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await deletePool(database, c.req.valid("param").pool, actingOf(c));
      return c.body(null, 204);
    },
  );
}

function addTokens(table: RouteTable, { database, baseUrl }: PoolRouteParts): void {
  table.add(
    {
      method: "get",
      path: `${AT}/pools/{pool}/registration-tokens`,
      access: "instance_admin",
      summary: "Registration tokens of a pool, without the tokens themselves",
      request: { params: PoolParams },
      responses: { 200: jsonReply(z.object({ tokens: z.array(RegistrationTokenRow) }), "Newest first") },
    },
    async (c) => {
      const pool = PoolId.parse((await getPool(database.kysely, c.req.valid("param").pool)).id);
      return c.json({ tokens: await listRegistrationTokens(database, pool) }, 200);
    },
  );
  table.add(
    {
      method: "post",
      path: `${AT}/pools/{pool}/registration-tokens`,
      access: "instance_admin",
      summary: "Mint a one-time token for a runner to join the pool with",
      request: { params: PoolParams, body: jsonBody(NewRegistrationToken) },
      responses: { 201: jsonReply(MintedRegistrationToken, "The token; it is shown this once") },
    },
    async (c) => {
      const pool = PoolId.parse((await getPool(database.kysely, c.req.valid("param").pool)).id);
      const expiresInMs = c.req.valid("json").expires_in_s * 1_000;
      const wanted = { pool, by: actingOf(c), expiresInMs };
      const { id, token } = await mintRegistrationToken(database, wanted);
      const row = (await listRegistrationTokens(database, pool)).find((one) => one.id === id);
      assert(row !== undefined, "a token that was just made is listed");
      return c.json({ ...row, token, install_command: installCommand(baseUrl, token) }, 201);
    },
  );
  table.add(
    {
      method: "delete",
      path: `${AT}/pools/{pool}/registration-tokens/{token}`,
      access: "instance_admin",
      summary: "Revoke a registration token",
      request: { params: TokenParams },
      responses: { 204: { description: "Revoked" } },
    },
    async (c) => {
      const { pool, token } = c.req.valid("param");
      await revokeRegistrationToken(database, PoolId.parse(pool), token, actingOf(c));
      return c.body(null, 204);
    },
  );
}

function addRunners(table: RouteTable, { database, defaults }: PoolRouteParts): void {
  table.add(
    {
      method: "get",
      path: `${AT}/diagnostics/runner-pools`,
      access: "instance_admin",
      summary:
        "Pools and runners as they are now: live, stale, draining, revoked, what waits and for which labels",
      responses: { 200: jsonReply(RunnerPoolsReply, "By name of the pool") },
    },
    async (c) => c.json({ pools: await readDiagnostics(database) }, 200),
  );
  table.add(
    {
      method: "delete",
      path: `${AT}/runners/{runner}`,
      access: "instance_admin",
      summary: "Delete a runner that was revoked or is long silent",
      request: { params: RunnerParams },
      responses: { 204: { description: "Deleted" } },
    },
    async (c) => {
      await deleteRunner(database, c.req.valid("param").runner, actingOf(c));
      return c.body(null, 204);
    },
  );
  const acts = [
    ["revoke", "Withdraw a runner's credential; its runs are queued again", revokeRunner],
    ["drain", "Let a runner finish what it has and take no more", drainWith(true)],
    ["resume", "Let a runner take work again", drainWith(false)],
    ["clear-alert", "Say that an alert was seen to", clearWith],
  ] as const;
  for (const [name, summary, act] of acts)
    table.add(
      {
        method: "post",
        path: `${AT}/runners/{runner}/${name}`,
        access: "instance_admin",
        summary,
        request: { params: RunnerParams },
        responses: { 200: jsonReply(Runner, "The runner now") },
      },
      async (c) => {
        const { runner: id } = c.req.valid("param");
        await act(database, defaults, id, actingOf(c));
        const shown = (await readDiagnostics(database)).flatMap(({ runners }) => runners);
        const runner = shown.find((one) => one.id === id);
        assert(runner !== undefined, "a runner that was acted on exists");
        return c.json(runner, 200);
      },
    );
}

function drainWith(drain: boolean) {
  return (database: Database, _: RunDefaults, id: number, by: ActingPerson) =>
    askToDrain(database, id, drain, by);
}
function clearWith(database: Database, _: RunDefaults, id: number, by: ActingPerson) {
  return clearAlert(database, id, by);
}

function actingOf(c: Context<ApiEnv>): ActingPerson {
  return { user: personOf(c).userId, ip: addressOf(c) };
}
