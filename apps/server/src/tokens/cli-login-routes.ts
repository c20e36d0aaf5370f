import {
  CliLoginApproval,
  CliLoginPoll,
  CliLoginState,
  CliLoginView,
  CliUserCode,
  NewCliLogin,
  StartedCliLogin,
} from "@windshift/contract/api/cli-login.ts";
import { CLI_LOGIN_POLL_S } from "@windshift/contract/limits.ts";
import { z } from "zod";
import type { Database } from "../db/database.ts";
import { actingPersonOf, addressOf } from "../http/api-env.ts";
import { isoTime, jsonBody, jsonReply } from "../http/json.ts";
import type { RouteTable } from "../http/route-table.ts";
import { TryLimit } from "../http/try-limit.ts";
import { decideCliLogin, pollCliLogin, startCliLogin, viewCliLogin } from "./cli-login.ts";
import { findCliLogin } from "./cli-login-store.ts";

/** Sign-ins that one address may begin in a minute, and asks of one secret: twice what `ws` needs. */
const STARTS_MAX = { tries: 10, windowMs: 60_000 };
const POLLS_MAX = { tries: Math.ceil((2 * 60) / CLI_LOGIN_POLL_S), windowMs: 60_000 };
/** Codes that one person may look up or decide in a minute: nobody guesses another's. */
const CODES_MAX = { tries: 30, windowMs: 60_000 };

const AT = "/api/v1/cli-logins";
const CodeParams = z.object({ user_code: CliUserCode });

/** How `ws login` gets a token: it shows a code, and a person approves that in a browser. */
export function addCliLoginRoutes(
  table: RouteTable,
  { database, baseUrl }: { database: Database; baseUrl: string },
): void {
  const starts = new TryLimit(STARTS_MAX);
  const polls = new TryLimit(POLLS_MAX);
  const codes = new TryLimit(CODES_MAX);

  table.add(
    {
      method: "post",
      path: AT,
      access: "public",
      summary: "Begin a sign-in of a program: a person approves its code in a browser",
      request: { body: jsonBody(NewCliLogin) },
      responses: { 201: jsonReply(StartedCliLogin, "The code to show, and the secret to ask with") },
    },
    async (c) => {
      const address = addressOf(c);
      starts.require(address);
      const client = { name: c.req.valid("json").client_name, address };
      const { row, pollSecret } = await startCliLogin(database, client);
      const path = `/cli/${row.user_code}`;
      return c.json(
        {
          user_code: row.user_code,
          verification_path: path,
          verification_url: baseUrl + path,
          poll_secret: pollSecret,
          interval_s: CLI_LOGIN_POLL_S,
          expires_at: isoTime(row.expires_at_ms),
        },
        201,
      );
    },
  );

  table.add(
    {
      method: "post",
      path: `${AT}/poll`,
      access: "public",
      summary: "Ask what became of a sign-in; once approved it gives the token, once",
      request: { body: jsonBody(CliLoginPoll) },
      responses: { 200: jsonReply(CliLoginState, "Whether it waits, was denied, or the token") },
    },
    async (c) => {
      const { poll_secret: secret } = c.req.valid("json");
      polls.require(secret);
      const state = await pollCliLogin(database, secret);
      return c.json(state, 200, { "cache-control": "no-store" });
    },
  );

  table.add(
    {
      method: "get",
      path: `${AT}/{user_code}`,
      access: "session",
      summary: "What asks to be signed in as the caller",
      request: { params: CodeParams },
      responses: { 200: jsonReply(CliLoginView, "The sign-in") },
    },
    async (c) => {
      codes.require(actingPersonOf(c).user);
      const { user_code: code } = c.req.valid("param");
      return c.json(viewCliLogin(await findCliLogin(database, database.kysely, code)), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: `${AT}/{user_code}/approve`,
      access: "session",
      summary: "Give it an API token of the caller's",
      request: { params: CodeParams, body: jsonBody(CliLoginApproval) },
      responses: { 200: jsonReply(CliLoginView, "The sign-in now") },
    },
    async (c) => {
      const by = actingPersonOf(c);
      codes.require(by.user);
      const { user_code: code } = c.req.valid("param");
      return c.json(await decideCliLogin(database, code, c.req.valid("json"), by), 200);
    },
  );

  table.add(
    {
      method: "post",
      path: `${AT}/{user_code}/deny`,
      access: "session",
      summary: "Refuse it",
      request: { params: CodeParams },
      responses: { 200: jsonReply(CliLoginView, "The sign-in now") },
    },
    async (c) => {
      const by = actingPersonOf(c);
      codes.require(by.user);
      const { user_code: code } = c.req.valid("param");
      return c.json(await decideCliLogin(database, code, "denied", by), 200);
    },
  );
}
