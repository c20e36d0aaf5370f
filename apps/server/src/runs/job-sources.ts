import { assert } from "@windshift/contract/app-error.ts";
import type { Queries } from "../db/database.ts";
import type { Run } from "./run.ts";
import { listMessagesOf, type RunMessage } from "./run-messages.ts";

/** What is stored of a run's item and of who asked for it, and becomes its job. */
export interface JobSources {
  item: { id: number; key: string; number: number; title: string; description: string };
  /** Undefined when the person is gone. */
  asker: { name: string; email: string } | undefined;
  /** Page of the pull request that the run goes on with; undefined for a run with a branch of its own. */
  pullRequestUrl: string | undefined;
  /** Whether its model takes pictures, as an admin says. */
  takesPictures: boolean;
  /** Oldest first. */
  comments: readonly { author: string; body: string }[];
  messages: readonly RunMessage[];
}

/** Reads them for several runs with as many statements as for one. @returns gives those of one of the runs; asserts that its item exists */
export async function readSources(tx: Queries, runs: readonly Run[]): Promise<(run: Run) => JobSources> {
  const rows = await readRows(tx, runs);
  const comments = await readComments(tx, runs);
  const pictures = await readPictureModels(tx, runs);
  const messages = await listMessagesOf(tx, idsOf(runs));
  return (run) => {
    const row = rows.get(run.id);
    assert(row !== undefined, `run ${run.id} was claimed without its item`);
    const { id, key, number, title, description, name, email, url } = row;
    return {
      item: { id, key, number, title, description },
      asker: name === null || email === null ? undefined : { name, email },
      pullRequestUrl: url ?? undefined,
      takesPictures:
        run.grants !== null && pictures.has(modelKey(run.grants.llm_connection_id, run.grants.model)),
      comments: comments.get(run.work_item_id) ?? [],
      messages: messages.get(run.id) ?? [],
    };
  };
}

async function readRows(tx: Queries, runs: readonly Run[]) {
  const rows = await tx
    .selectFrom("runs")
    .innerJoin("work_items", "work_items.id", "runs.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .leftJoin("user", "user.id", "runs.requested_by")
    .leftJoin("pull_requests", "pull_requests.run_id", "runs.branch_run_id")
    .select([
      "runs.id as run",
      "work_items.id",
      "work_items.number",
      "work_items.title",
      "work_items.description",
      "workspaces.key",
    ])
    .select(["user.name", "user.email", "pull_requests.url"])
    .where("runs.id", "in", idsOf(runs))
    .execute();
  return new Map(rows.map((row) => [row.run, row]));
}

async function readComments(tx: Queries, runs: readonly Run[]) {
  const rows = await tx
    .selectFrom("comments")
    .innerJoin("user", "user.id", "comments.author_id")
    .select(["work_item_id", "user.name as author", "comments.body"])
    .where(
      "work_item_id",
      "in",
      runs.map(({ work_item_id }) => work_item_id),
    )
    .orderBy("comments.id")
    .execute();
  return Map.groupBy(rows, ({ work_item_id }) => work_item_id);
}

/** The models among those of the runs that take pictures. */
async function readPictureModels(tx: Queries, runs: readonly Run[]): Promise<Set<string>> {
  const grants = runs.flatMap((run) => run.grants ?? []);
  if (grants.length === 0) return new Set();
  const rows = await tx
    .selectFrom("models")
    .select(["connection_id", "model"])
    .where("images", "=", 1)
    .where("connection_id", "in", [...new Set(grants.map((grant) => grant.llm_connection_id))])
    .where("model", "in", [...new Set(grants.map(({ model }) => model))])
    .execute();
  return new Set(rows.map(({ connection_id, model }) => modelKey(connection_id, model)));
}

function modelKey(connection: number, model: string): string {
  return `${connection} ${model}`;
}

function idsOf(runs: readonly Run[]): number[] {
  return runs.map(({ id }) => id);
}
