import type { Commit } from "@windshift/contract/api/pull-request.ts";
import { Oid } from "@windshift/contract/ids.ts";
import { PR_COMMITS_MAX } from "@windshift/contract/limits.ts";
import { gitOn } from "./local-git.ts";

/** Fields of a commit, each ended by NUL, which no commit can hold. */
const FIELDS = ["%H", "%an", "%ae", "%aI", "%s", "%b", "%(trailers:only,unfold)"];
const FORMAT = `--format=tformat:${FIELDS.map((field) => `${field}%x00`).join("")}`;

/** The commit a branch points at, undefined when there is no such branch. */
export async function readBranch(dir: string, branch: string): Promise<Oid | undefined> {
  const { stdout } = await gitOn(
    dir,
    ["rev-parse", "--verify", "--quiet", "--end-of-options", `refs/heads/${branch}^{commit}`],
    { expected: [1, 128] },
  );
  const oid = Oid.safeParse(stdout.trim());
  return oid.success ? oid.data : undefined;
}

/** Whether the repository holds this commit. */
export async function hasCommit(dir: string, oid: Oid): Promise<boolean> {
  const { exitCode } = await gitOn(dir, ["cat-file", "-e", `${oid}^{commit}`], { expected: [1, 128] });
  return exitCode === 0;
}

/** Whether `descendant` holds all of `ancestor`; both must exist. A commit is its own ancestor. */
export async function isAncestor(dir: string, ancestor: Oid, descendant: Oid): Promise<boolean> {
  const { exitCode } = await gitOn(dir, ["merge-base", "--is-ancestor", ancestor, descendant], {
    expected: [1],
  });
  return exitCode === 0;
}

/** The newest commit both have, undefined when they have no history in common; both must exist. */
export async function findMergeBase(dir: string, one: Oid, other: Oid): Promise<Oid | undefined> {
  const { exitCode, stdout } = await gitOn(dir, ["merge-base", one, other], { expected: [1] });
  return exitCode === 1 ? undefined : Oid.parse(stdout.trim());
}

/** How many commits `head` has that `base` has not. */
export async function countCommits(dir: string, base: Oid, head: Oid): Promise<number> {
  const { stdout } = await gitOn(dir, ["rev-list", "--count", "--end-of-options", `${base}..${head}`]);
  return Number(stdout.trim());
}

/** The commits on `head` above `base`, oldest first, at most PR_COMMITS_MAX of the newest. */
export async function listCommits(dir: string, base: Oid, head: Oid): Promise<Commit[]> {
  const { stdout } = await gitOn(dir, [
    "log",
    "--no-show-signature",
    "--no-decorate",
    "--no-mailmap",
    "--no-color",
    "--reverse",
    `--max-count=${PR_COMMITS_MAX}`,
    FORMAT,
    "--end-of-options",
    `${base}..${head}`,
    "--",
  ]);
  const fields = stdout.split("\0");
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS.length <= fields.length; at += FIELDS.length) {
    const [oid = "", name = "", email = "", authoredAt = "", subject = "", body = "", trailers = ""] =
      fields.slice(at, at + FIELDS.length);
    commits.push({
      oid: Oid.parse(oid.trim()),
      author: { name, email },
      authored_at: authoredAt,
      subject,
      body: body.trim(),
      trailers: parseTrailers(trailers),
    });
  }
  return commits;
}

function parseTrailers(text: string): Commit["trailers"] {
  return text.split("\n").flatMap((line) => {
    const colon = line.indexOf(":");
    return colon <= 0 ? [] : [{ key: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() }];
  });
}
