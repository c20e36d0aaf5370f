import { AppError } from "@windshift/contract/app-error.ts";
import type { AttemptResult } from "@windshift/contract/job.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import type { ForgeClient, RepositoryAddress } from "@windshift/forges/forge-client.ts";
import { sql } from "kysely";
import type { Database, Queries } from "../db/database.ts";
import type { Log } from "../http/log.ts";
import { ForgeBusy, isForPerson } from "../runs/forge.ts";
import type { Run } from "../runs/run.ts";
import { readRunNames } from "../runs/run-names.ts";
import { describeReply } from "../runs/run-outcome-text.ts";
import { recordStep } from "../runs/run-publishing-store.ts";
import { getRun } from "../runs/run-store.ts";
import type { ForgeClients } from "./forge-clients.ts";
import {
  COMMENT_RUNS_MAX,
  COMMENT_RUNS_PER_DAY_MAX,
  COMMENT_RUNS_PER_HOUR_MAX,
  sameLogin,
} from "./forge-comment.ts";
import { pauseOf } from "./forge-failure.ts";
import { markOf, OUR_MARK } from "./our-mark.ts";
import { accountOf } from "./pull-request-sync.ts";

export interface ReplyPorts {
  database: Database;
  clients: ForgeClients;
  /** As people's browsers see the server. */
  baseUrl: string;
}

/** Comments that are answered in one round. */
const ROUND_MAX = 20;
/** How long a reply is held by the server that writes it, and the first wait after one that failed, ms. */
const HELD_MS = 60_000;
/** Tries to say one thing, over half an hour; waits that a forge asks for are not counted. */
export const REPLY_TRIES_MAX = 5;
/** How far the clock of a forge may be from ours, ms. */
const CLOCK_SKEW_MS = 5 * 60_000;
const ENDED = ["succeeded", "failed", "canceled", "killed", "waiting"] as const;

/**
 * Says on pull requests what became of the comments that called the agent: that a run was started, and how it ended. A
 * reply that cannot be written is tried again some times; the run is what it is without.
 */
export async function tellAuthors(ports: ReplyPorts, log: Log, signal: AbortSignal): Promise<void> {
  for (const row of await listUntold(ports.database.kysely)) {
    if (signal.aborted) return;
    if (!(await take(ports.database.kysely, row))) continue;
    try {
      await tell(ports, row);
    } catch (error) {
      log.warn({ err: error, comment: row.comment }, "forges: a comment could not be answered");
      await settleFailure(ports.database, row, error);
    }
  }
}

type Untold = Awaited<ReturnType<typeof listUntold>>[number];

function listUntold(db: Queries) {
  return db
    .selectFrom("forge_comments")
    .innerJoin("pull_requests", "pull_requests.id", "forge_comments.pull_request_id")
    .innerJoin("repositories", "repositories.id", "pull_requests.repository_id")
    .leftJoin("run_messages", "run_messages.id", "forge_comments.message_id")
    .leftJoin("runs", "runs.id", "run_messages.run_id")
    .selectAll("forge_comments")
    .select([
      "pull_requests.number",
      "pull_requests.run_id as branch_run_id",
      "repositories.connection_id",
      "repositories.owner",
      "repositories.name",
      "runs.id as run_id",
    ])
    .where("forge_comments.tell_at_ms", "<=", Date.now())
    .where((eb) =>
      eb.or([
        eb("forge_comments.told", "is", null),
        eb.and([
          eb("runs.status", "in", ENDED),
          sql<boolean>`forge_comments.told <> cast(runs.attempt as text) || ':' || runs.status`,
        ]),
      ]),
    )
    .orderBy("forge_comments.tell_at_ms")
    .orderBy("forge_comments.created_at_ms")
    .limit(ROUND_MAX)
    .execute();
}

/** @returns false when another server was first */
async function take(db: Queries, row: Untold): Promise<boolean> {
  const taken = await ofComment(db, row)
    .set({ tell_at_ms: Date.now() + HELD_MS })
    .where("tell_at_ms", "=", row.tell_at_ms)
    .returning("comment")
    .executeTakeFirst();
  return taken !== undefined;
}

async function tell(ports: ReplyPorts, row: Untold): Promise<void> {
  const db = ports.database.kysely;
  const run = await getRun(db, row.run_id ?? row.branch_run_id);
  const ended = row.run_id !== null && (isTerminal(run.status) || run.status === "waiting");
  const told = ended ? `${run.attempt}:${run.status}` : "taken";
  const names = await readRunNames(db, run);
  const itemUrl = `${ports.baseUrl}/items/${names.itemKey}`;
  const text = ended
    ? describeEnd(run, names, ports.baseUrl)
    : describeTaken(
        row.outcome,
        `[Run ${run.id}](${itemUrl}#run-${run.id})`,
        `[${names.itemKey}](${itemUrl})`,
      );
  const key = ended ? `run:${run.id}:${told}` : `taken:${row.comment}`;
  const { owner, name, number } = row;
  await ports.clients.use(row.connection_id, (client) =>
    commentOnce(client, { owner, name }, number, { key, text, sinceMs: row.created_at_ms - CLOCK_SKEW_MS }),
  );
  const over = row.run_id === null || isTerminal(run.status);
  await ofComment(db, row)
    .set({ told, tell_tries: 0, tell_at_ms: over ? null : 0 })
    .execute();
  if (ended)
    await recordStep(ports.database, run.id, { step: "reply", status: "done", tries: 0, detail: null });
}

/** Writes a text once: what the account of the connection has written with this key is it, though its reply was lost. */
async function commentOnce(
  client: ForgeClient,
  address: RepositoryAddress,
  number: number,
  { key, text, sinceMs }: { key: string; text: string; sinceMs: number },
): Promise<void> {
  const account = await accountOf(client);
  const { comments } = await client.listComments(address, number, new Date(sinceMs).toISOString());
  const mark = markOf(key);
  if (comments.some(({ login, body }) => sameLogin(login, account) && body.includes(mark))) return;
  await client.addComment(address, number, `${text}\n\n${mark}\n${OUR_MARK}`);
}

function describeTaken(outcome: string, run: string, item: string): string {
  switch (outcome) {
    case "started":
      return `${run} was started for the comment.`;
    case "started_moved":
      return `${run} was started for the comment. Somebody else has pushed to this branch since the agent did; the run goes on from there.`;
    case "decided":
      return `The comment starts no run: this pull request was merged or closed. Go on with it on ${item}, where a new run has a branch of its own.`;
    case "branch_gone":
      return `The comment starts no run: the branch of this pull request was deleted. Go on with it on ${item}, where a new run has a branch of its own.`;
    case "kept":
      return `${run} is at work on this branch already; the comment was handed to it.`;
    case "requester_left":
      return `The comment starts no run: whoever asked for this pull request may start no runs in the workspace any more. Go on with it on ${item}.`;
    default:
      return `The comment starts no run: at most ${COMMENT_RUNS_PER_HOUR_MAX} in an hour, ${COMMENT_RUNS_PER_DAY_MAX} in 24 hours and ${COMMENT_RUNS_MAX} in all are started by comments on one pull request. Go on with it on ${item}.`;
  }
}

type Names = Awaited<ReturnType<typeof readRunNames>>;

function describeEnd(run: Run, names: Names, baseUrl: string): string {
  const ending = {
    status:
      run.status === "killed" ? "canceled" : (run.status as "succeeded" | "failed" | "canceled" | "waiting"),
    reason: run.reason ?? "internal",
    detail: run.detail,
  } as const;
  const result = run.result ?? {
    ...NO_RESULT,
    attempt: Math.max(1, run.attempt) as AttemptResult["attempt"],
  };
  return describeReply({ run, names, result, ending, commits: run.reason === "completed" ? 1 : 0, baseUrl });
}

/** Of a run that ended before its agent could say a word. */
const NO_RESULT = {
  isolation: "container",
  outcome: null,
  summary: "",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: null,
} as const;

async function settleFailure(database: Database, row: Untold, error: unknown): Promise<void> {
  const busy = error instanceof ForgeBusy;
  const tries = row.tell_tries + (busy ? 0 : 1);
  const final = isForPerson(error) || tries >= REPLY_TRIES_MAX;
  const nextMs = Math.max(pauseOf(error) ?? 0, Date.now() + HELD_MS * 2 ** tries);
  await ofComment(database.kysely, row)
    .set({ tell_tries: tries, tell_at_ms: final ? null : nextMs })
    .execute();
  if (row.run_id === null) return;
  const detail = error instanceof AppError ? error.message : "internal error; the server log has the cause";
  await recordStep(database, row.run_id, { step: "reply", status: "failed", tries, detail });
}

function ofComment(db: Queries, row: Untold) {
  return db
    .updateTable("forge_comments")
    .where("pull_request_id", "=", row.pull_request_id)
    .where("comment", "=", row.comment);
}
