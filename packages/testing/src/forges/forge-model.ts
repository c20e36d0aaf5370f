import { join } from "node:path";
import { createBareRepository, gitOut } from "../git-repository.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";

/** State that the GitLab and the Forgejo server keep; the branches are those of real git. */
export interface ForgeModel {
  readonly root: string;
  readonly accounts: Map<string, Account>;
  readonly tokens: Map<string, Token>;
  readonly repositories: ModelRepository[];
  account(login: string): Account;
  /** Puts a merge on the target branch and marks it merged. */
  merge(pull: ModelPull): Promise<void>;
  remove(): void;
}

export interface Account {
  id: number;
  login: string;
}

export interface Token {
  login: string;
  scopes: string[];
  state: "good" | "expired" | "revoked";
}

export interface ModelRepository {
  id: number;
  owner: string;
  name: string;
  private: boolean;
  dir: string;
  /** Access of each account that has any. */
  access: Map<string, "read" | "write" | "admin">;
  pulls: ModelPull[];
}

export interface ModelPull {
  id: number;
  number: number;
  repository: ModelRepository;
  title: string;
  body: string;
  source: string;
  target: string;
  author: string;
  state: "open" | "closed" | "merged";
  mergeOid: string | null;
  createdAtMs: number;
  comments: ModelComment[];
}

export interface ModelComment {
  id: number;
  kind: "comment" | "review" | "review_comment";
  /** Of a comment in the diff: the review that it belongs to. */
  reviewId: number | null;
  login: string;
  body: string;
  createdAtMs: number;
}

/** Repositories of no content, so that lists have three pages of fifty. */
export const OTHER_REPOSITORIES = 104;
export const AGENT = "agent-bot";
export const PEOPLE = { writer: "wanda", reader: "rita", outsider: "oscar" } as const;

/** A private repository `owner`/`name` with one commit, and the accounts of the contract. */
export async function createForgeModel(owner: string, name: string): Promise<ForgeModel> {
  const folder: TempDir = tempDir();
  const root = join(folder.path, "repositories");
  const accounts = new Map<string, Account>();
  for (const [at, login] of [AGENT, ...Object.values(PEOPLE), "forgejo-actions"].entries())
    accounts.set(login, { id: 101 + at, login });
  const dir = join(root, owner, `${name}.git`);
  await createBareRepository(dir, join(folder.path, "work"), { files: { "README.md": "# Shop\n" } });
  const access = new Map<string, "read" | "write" | "admin">([
    [AGENT, "write"],
    [PEOPLE.writer, "write"],
    [PEOPLE.reader, "read"],
  ]);
  const others = Array.from({ length: OTHER_REPOSITORIES }, (_, at) => ({
    id: 1_000 + at,
    owner,
    name: `other-${at + 1}`,
    private: true,
    dir: join(root, owner, `other-${at + 1}.git`),
    access: new Map([[AGENT, "admin" as const]]),
    pulls: [],
  }));
  return {
    root,
    accounts,
    tokens: new Map(),
    repositories: [{ id: 7, owner, name, private: true, dir, access, pulls: [] }, ...others],
    account: (login) => {
      const found = accounts.get(login);
      if (found === undefined) throw new Error(`the test forge has no account ${login}`);
      return found;
    },
    merge: (pull) => mergePull(pull, join(folder.path, `merge-${pull.number}`)),
    remove: () => folder.remove(),
  };
}

/** Commit id of a branch or a commit, null when there is none. */
export async function readOid(repository: ModelRepository, name: string): Promise<string | null> {
  try {
    return await gitOut(
      ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`],
      repository.dir,
    );
  } catch {
    return null;
  }
}

/** Commits of `head` that `base` does not have, the newest first. */
export async function listNew(
  repository: ModelRepository,
  base: string | undefined,
  head: string,
): Promise<{ oid: string; parents: string[] }[]> {
  const not = base === undefined ? [] : [`^${base}`];
  const text = await gitOut(["rev-list", "--parents", head, ...not], repository.dir);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [oid = "", ...parents] = line.split(" ");
      return { oid, parents };
    });
}

async function mergePull(pull: ModelPull, workDir: string): Promise<void> {
  const { dir } = pull.repository;
  await gitOut(["clone", "--quiet", "--branch", pull.target, dir, workDir], "/");
  await gitOut(
    ["merge", "--quiet", "--no-ff", `origin/${pull.source}`, "--message", `Merge ${pull.title}`],
    workDir,
  );
  await gitOut(["push", "--quiet", "origin", pull.target], workDir);
  pull.mergeOid = await gitOut(["rev-parse", "HEAD"], workDir);
  pull.state = "merged";
}
