import { git } from "@windshift/base/git.ts";
import { type Commit, walkCommits } from "./commit-walk.ts";
import { hasDeepDeltas, PUSH_DELTA_DEPTH_MAX } from "./delta-depth.ts";
import { FindingList } from "./finding-list.ts";
import type { InspectionJob, InspectionReply } from "./inspection-job.ts";
import type { ObjectReader } from "./object-reader.ts";
import { OwnTokenSearch, withoutOwnTokens } from "./own-token.ts";
import { PackIndex } from "./pack-index.ts";
import type { PushFinding } from "./pack-inspector.ts";
import { createPathJudge } from "./protected-path.ts";
import { pushedChanges, TooManyChanges } from "./pushed-changes.ts";
import {
  SECRET_SEARCH_MS_MAX,
  SECRET_TEXT_BYTES_MAX,
  SECRET_TOTAL_BYTES_MAX,
  searchSecrets,
  TEXT_SAMPLE_BYTES,
  textOf,
} from "./secret-search.ts";
import { ObjectMissing, TooDeep, type TreeChange, type TreeEntry } from "./tree-diff.ts";

/** What all objects of a push may hold when inflated, bytes: four times the largest push. A bomb is refused here. */
export const PUSH_INFLATED_BYTES_MAX = 8 * 1024 ** 3;
/** Time for one question about ancestry, ms. */
const ANCESTRY_MS_MAX = 30_000;
const LINK_MODE = "120000";
const SUBMODULE_MODE = "160000";
/** A link's target and a name are shorter than this, bytes. */
const LINK_BYTES_MAX = 4_096;

/** A blob whose content is new to the repository, by the paths it stands at. */
interface NewBlob {
  path: string;
  oid: string;
  /** The blob that stood there before. */
  before: string | undefined;
}

/**
 * Looks into a push that lies in quarantine: where it stands, which paths it changes, whether it holds our tokens, and last
 * what looks like a credential.
 */
export async function* inspectPack(
  job: InspectionJob,
  reader: ObjectReader,
): AsyncGenerator<InspectionReply, void> {
  try {
    const pack = job.index_file === null ? PackIndex.empty : await PackIndex.read(job.index_file);
    if (await hasDeepDeltas(job.git_dir, pack, job.path))
      return void (yield {
        kind: "refused",
        why: `its deltas build on one another more than ${PUSH_DELTA_DEPTH_MAX} deep`,
      });
    const walk = await walkCommits(reader, pack, job.tip, {
      ...job,
      isAncestor: (ancestor, commit) => isAncestor(job, ancestor, commit),
    });
    if (walk.kind === "refused") return void (yield walk);
    const findings = new FindingList();
    const blobs = await lookAtPaths(reader, pack, job, walk.commits, findings);
    const { size, binary } = await searchOwnTokens(reader, pack, blobs, findings);
    if (size > PUSH_INFLATED_BYTES_MAX)
      return void (yield {
        kind: "refused",
        why: `it unpacks to more than ${PUSH_INFLATED_BYTES_MAX} bytes`,
      });
    yield { kind: "looked_at", findings: findings.all() };
    const texts = blobs.filter(({ oid }) => !binary.has(oid));
    await searchBlobs(reader, texts, findings);
    yield { kind: "done", findings: findings.all() };
  } catch (error) {
    const why = whyRefused(error);
    if (why === undefined) throw error;
    yield { kind: "refused", why };
  }
}

function whyRefused(error: unknown): string | undefined {
  if (error instanceof ObjectMissing) return "it lacks objects that its commits need";
  if (error instanceof TooDeep) return "its folders are nested too deep";
  if (error instanceof TooManyChanges) return "it changes more files than anybody can review";
  return undefined;
}

async function isAncestor(job: InspectionJob, ancestor: string, commit: string): Promise<boolean> {
  const asked = await git([`--git-dir=${job.git_dir}`, "merge-base", "--is-ancestor", ancestor, commit], {
    timeoutMs: ANCESTRY_MS_MAX,
    ...(job.path === undefined ? {} : { path: job.path }),
    extraEnv: { GIT_NO_REPLACE_OBJECTS: "1" },
  });
  return asked.exitCode === 0;
}

async function lookAtPaths(
  reader: ObjectReader,
  pack: PackIndex,
  job: InspectionJob,
  commits: readonly Commit[],
  findings: FindingList,
): Promise<NewBlob[]> {
  const judge = createPathJudge(job.policy.protected_paths);
  const blobs = new Map<string, NewBlob>();
  for await (const change of pushedChanges(reader, commits, job.tip, job.branch ?? job.base)) {
    const name = Buffer.from(change.path, "latin1").toString("utf8");
    const path = withoutOwnTokens(name);
    const finding = await judgeChange(reader, change, path, judge(name));
    if (finding !== undefined) findings.add(finding);
    const { after, before } = change;
    if (after === undefined || after.mode === SUBMODULE_MODE || !pack.has(after.oid)) continue;
    const key = `${after.oid} ${path}`;
    if (!blobs.has(key)) blobs.set(key, { path, oid: after.oid, before: blobOf(before) });
  }
  return [...blobs.values()];
}

async function judgeChange(
  reader: ObjectReader,
  { before, after }: TreeChange,
  path: string,
  kind: PushFinding["kind"] | undefined,
): Promise<PushFinding | undefined> {
  if (kind !== undefined) {
    const done = after === undefined ? "removed" : before === undefined ? "added" : "changed";
    return { kind, path, what: done };
  }
  if (after?.mode === SUBMODULE_MODE) return { kind: "protected_file", path, what: "a submodule" };
  if (after?.mode !== LINK_MODE) return undefined;
  const target = (await reader.read(after.oid, LINK_BYTES_MAX))?.bytes.toString("latin1");
  // Elsewhere it may have been a file that another push brought: its content says nothing until it becomes a link.
  if (target === undefined)
    return { kind: "protected_file", path, what: "a symbolic link whose target is not at hand" };
  if (!leadsOut(path, target)) return undefined;
  return { kind: "protected_file", path, what: "a symbolic link that leads out of the repository" };
}

function leadsOut(path: string, target: string): boolean {
  if (target.startsWith("/") || /^[a-z]:/i.test(target)) return true;
  let depth = path.split("/").length - 1;
  for (const name of target.split(/[/\\]/)) {
    if (name === "..") depth--;
    else if (name !== "" && name !== ".") depth++;
    if (depth < 0) return true;
  }
  return /(?:^|[/\\])\.git(?:[/\\]|$)/i.test(target);
}

function blobOf(entry: TreeEntry | undefined): string | undefined {
  return entry === undefined || entry.mode === SUBMODULE_MODE ? undefined : entry.oid;
}

/**
 * Reads every object of the pack, also what no commit of it shows, and looks for our tokens: in files, messages and names.
 * @returns bytes of them all, and which blobs are no text
 */
async function searchOwnTokens(
  reader: ObjectReader,
  pack: PackIndex,
  blobs: readonly NewBlob[],
  findings: FindingList,
): Promise<{ size: number; binary: Set<string> }> {
  const binary = new Set<string>();
  const paths = new Map(blobs.map(({ oid, path }) => [oid, path]));
  let bytes = 0;
  for (const oid of pack) {
    const search = new OwnTokenSearch();
    const object = await reader.read(oid, TEXT_SAMPLE_BYTES, (chunk) => search.push(chunk));
    if (object?.type === "blob" && textOf(object.bytes) === undefined) binary.add(oid);
    bytes += object?.size ?? 0;
    if (bytes > PUSH_INFLATED_BYTES_MAX) break;
    if (!search.found) continue;
    const path = paths.get(oid) ?? `${object?.type} ${oid.slice(0, 12)}`;
    findings.add({ kind: "own_token", path, what: WHERE[object?.type ?? "blob"] });
  }
  return { size: bytes, binary };
}

const WHERE = {
  blob: "its content holds a token of Windshift",
  commit: "its message or author holds a token of Windshift",
  tag: "its message holds a token of Windshift",
  tree: "the name of a file in it holds a token of Windshift",
} as const;

async function searchBlobs(
  reader: ObjectReader,
  blobs: readonly NewBlob[],
  findings: FindingList,
): Promise<void> {
  const clean = new Set<string>();
  const startedMs = performance.now();
  let bytes = 0;
  for (const { path, oid, before } of blobs) {
    if (clean.has(oid)) continue;
    if (bytes > SECRET_TOTAL_BYTES_MAX || performance.now() - startedMs > SECRET_SEARCH_MS_MAX) {
      findings.add(notScanned(path, "this push holds more text than is searched for credentials"));
      break;
    }
    const object = await reader.read(oid, SECRET_TEXT_BYTES_MAX);
    const text = object === undefined ? undefined : textOf(object.bytes);
    if (object === undefined || text === undefined) continue;
    bytes += object.bytes.length;
    if (object.size > SECRET_TEXT_BYTES_MAX)
      findings.add(
        notScanned(path, `only its first ${SECRET_TEXT_BYTES_MAX} bytes were searched for credentials`),
      );
    const readBefore = async () => {
      const old = before === undefined ? undefined : await reader.read(before, SECRET_TEXT_BYTES_MAX);
      return old === undefined ? undefined : textOf(old.bytes);
    };
    let asked = false;
    const found = await searchSecrets({
      path,
      text,
      before: () => {
        asked = true;
        return readBefore();
      },
    });
    if (!asked) clean.add(oid);
    for (const finding of found) findings.add(finding);
  }
}

function notScanned(path: string, what: string): PushFinding {
  return { kind: "not_scanned", path, what };
}
