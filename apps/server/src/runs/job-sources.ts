import type { AttachedSkill } from "@windshift/contract/api/skill.ts";
import { Role } from "@windshift/contract/api/workspace.ts";
import { assert } from "@windshift/contract/app-error.ts";
import type { MessageId } from "@windshift/contract/ids.ts";
import { sql } from "kysely";
import type { Queries } from "../db/database.ts";
import { listAttachedOf } from "../skills/run-skill-store.ts";
import type { Run } from "./run.ts";
import type { MessageKind } from "./run-messages.ts";
import type { Author, Said, SaidMessage } from "./run-prompt.ts";

/** What is stored of a run's item and of who asked for it, and becomes its job. */
export interface JobSources {
  item: { id: number; key: string; number: number; title: string; description: string; creator: Author };
  /** Undefined when the person is gone. */
  asker: { name: string; email: string } | undefined;
  /** Page of the pull request that the run goes on with; undefined for a run with a branch of its own. */
  pullRequestUrl: string | undefined;
  /** Whether its model takes pictures, as an admin says. */
  takesPictures: boolean;
  /** Oldest first; the newest COMMENTS_READ_MAX. */
  comments: readonly Said[];
  /** Comments beside those. */
  commentsMore: number;
  messages: readonly (SaidMessage & { id: MessageId })[];
  pages: readonly (Said & { title: string })[];
  skills: readonly AttachedSkill[];
}

/** Comments of an item that are read, and their characters: more than fit into a prompt, few enough for a claim. */
const COMMENTS_READ_MAX = 500;
const COMMENTS_READ_CHARS_MAX = 131_072;

/** Reads them for several runs with as many statements as for one. @returns gives those of one of the runs; asserts that its item exists */
export async function readSources(tx: Queries, runs: readonly Run[]): Promise<(run: Run) => JobSources> {
  const rows = await readRows(tx, runs);
  const comments = await readComments(tx, runs);
  const pictures = await readPictureModels(tx, runs);
  const messages = await readMessages(tx, runs);
  const pages = await readPages(tx, runs);
  const skills = await listAttachedOf(tx, idsOf(runs));
  return (run) => {
    const row = rows.get(run.id);
    assert(row !== undefined, `run ${run.id} was claimed without its item`);
    const { id, key, number, title, description, name, email, url } = row;
    const creator = authorOf({ author: row.creator, kind: row.creator_kind, role: row.creator_role });
    const said = comments.get(run.work_item_id) ?? [];
    return {
      item: { id, key, number, title, description, creator },
      asker: name === null || email === null ? undefined : { name, email },
      pullRequestUrl: url ?? undefined,
      takesPictures:
        run.grants !== null && pictures.has(modelKey(run.grants.llm_connection_id, run.grants.model)),
      comments: said.map(saidOf),
      commentsMore: Math.max(0, (said[0]?.total ?? 0) - said.length),
      messages: messages.get(run.id) ?? [],
      pages: pages.get(run.work_item_id) ?? [],
      skills: skills.get(run.id) ?? [],
    };
  };
}

async function readRows(tx: Queries, runs: readonly Run[]) {
  const rows = await tx
    .selectFrom("runs")
    .innerJoin("work_items", "work_items.id", "runs.work_item_id")
    .innerJoin("workspaces", "workspaces.id", "work_items.workspace_id")
    .innerJoin("user as creator", "creator.id", "work_items.creator_id")
    .leftJoin("memberships", (join) =>
      join
        .onRef("memberships.user_id", "=", "work_items.creator_id")
        .onRef("memberships.workspace_id", "=", "work_items.workspace_id"),
    )
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
    .select(["creator.name as creator", "creator.kind as creator_kind", "memberships.role as creator_role"])
    .where("runs.id", "in", idsOf(runs))
    .execute();
  return new Map(rows.map((row) => [row.run, row]));
}

/** The newest of each item, oldest first, with how many it has. */
async function readComments(tx: Queries, runs: readonly Run[]) {
  const items = runs.map(({ work_item_id }) => work_item_id);
  const ranked = tx
    .selectFrom("comments")
    .select(["id", "work_item_id"])
    .select((eb) => [
      eb.fn
        .countAll<number>()
        .over((over) => over.partitionBy("work_item_id"))
        .as("total"),
      eb.fn
        .agg<number>("row_number")
        .over((over) => over.partitionBy("work_item_id").orderBy("id", "desc"))
        .as("rank"),
      // Of those that come after it.
      sql<number>`sum(length(body)) over (partition by work_item_id order by id desc) - length(body)`.as(
        "chars_after",
      ),
    ])
    .where("work_item_id", "in", items);
  const rows = await tx
    .selectFrom(ranked.as("ranked"))
    .innerJoin("comments", "comments.id", "ranked.id")
    .innerJoin("work_items", "work_items.id", "comments.work_item_id")
    .innerJoin("user", "user.id", "comments.author_id")
    .leftJoin("memberships", (join) =>
      join
        .onRef("memberships.user_id", "=", "comments.author_id")
        .onRef("memberships.workspace_id", "=", "work_items.workspace_id"),
    )
    .select(["comments.id", "comments.work_item_id", "comments.body", "ranked.total"])
    .select(["user.name as author", "user.kind", "memberships.role"])
    .where("ranked.rank", "<=", COMMENTS_READ_MAX)
    .where("ranked.chars_after", "<", COMMENTS_READ_CHARS_MAX)
    .orderBy("comments.id")
    .execute();
  return Map.groupBy(rows, ({ work_item_id }) => work_item_id);
}

async function readMessages(tx: Queries, runs: readonly Run[]) {
  const rows = await selectMessages(tx, idsOf(runs)).execute();
  const byRun = Map.groupBy(rows, ({ run_id }) => run_id);
  return new Map([...byRun].map(([run, found]) => [run, found.map(saidMessageOf)]));
}

/** Messages of runs with what is told of their authors, oldest first. */
export function selectMessages(db: Queries, runs: readonly number[]) {
  return db
    .selectFrom("run_messages")
    .innerJoin("runs", "runs.id", "run_messages.run_id")
    .innerJoin("user", "user.id", "run_messages.author_id")
    .leftJoin("memberships", (join) =>
      join
        .onRef("memberships.user_id", "=", "run_messages.author_id")
        .onRef("memberships.workspace_id", "=", "runs.workspace_id"),
    )
    .select([
      "run_messages.id",
      "run_messages.run_id",
      "run_messages.kind as message_kind",
      "run_messages.body",
    ])
    .select(["user.name as author", "user.kind", "memberships.role"])
    .where("run_messages.run_id", "in", runs)
    .orderBy("run_messages.id");
}

/** A row as a message for an agent, with who wrote it. */
export function saidMessageOf(
  row: AuthorRow & { id: number; body: string; message_kind: string },
): SaidMessage & { id: MessageId } {
  return { ...saidOf(row), id: row.id as MessageId, kind: row.message_kind as MessageKind };
}

/** The pages linked to the items, by title. */
async function readPages(tx: Queries, runs: readonly Run[]) {
  const rows = await tx
    .selectFrom("item_pages")
    .innerJoin("pages", "pages.id", "item_pages.page_id")
    .innerJoin("user", "user.id", "pages.editor_id")
    .leftJoin("memberships", (join) =>
      join
        .onRef("memberships.user_id", "=", "pages.editor_id")
        .onRef("memberships.workspace_id", "=", "pages.workspace_id"),
    )
    .select(["item_pages.work_item_id", "pages.id", "pages.title", "pages.body"])
    .select(["user.name as author", "user.kind", "memberships.role"])
    .where(
      "item_pages.work_item_id",
      "in",
      runs.map(({ work_item_id }) => work_item_id),
    )
    .orderBy("pages.title")
    .orderBy("pages.id")
    .execute();
  const byItem = Map.groupBy(rows, ({ work_item_id }) => work_item_id);
  return new Map(
    [...byItem].map(([item, found]) => [item, found.map((row) => ({ ...saidOf(row), title: row.title }))]),
  );
}

interface AuthorRow {
  author: string;
  kind: string;
  /** Null for who is not in the workspace, or no longer. */
  role: string | null;
}

function saidOf({ id, body, ...author }: AuthorRow & { id: number; body: string }): Said {
  return { id, body, author: authorOf(author) };
}

function authorOf({ author: name, kind, role }: AuthorRow): Author {
  if (role === null) return { name, role: "outside" };
  return { name, role: kind === "agent" ? "agent" : Role.parse(role) };
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
