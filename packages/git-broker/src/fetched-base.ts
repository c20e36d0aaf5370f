import { mkdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { GIT_GUARDS, gitEnv } from "@windshift/base/git.ts";
import type { Oid } from "@windshift/contract/ids.ts";
import { chunksOf } from "./byte-stream.ts";
import { endInput } from "./child-pipes.ts";
import type { GitUpstream } from "./git-upstream.ts";
import { pktLine } from "./pkt-line.ts";
import { PktBroken, type PktUnit, pktUnits, textOf } from "./pkt-units.ts";
import type { BaseObjects } from "./quarantine-base.ts";
import { makeQuarantine, type Quarantine } from "./quarantine-repository.ts";
import { BodyRefused } from "./refusal.ts";
import { trimSnapshots } from "./snapshot-shelf.ts";

export interface FetchedBaseOptions {
  /** Folder for the snapshots of this repository, absolute. */
  dir: string;
  /** With its credential inside: nothing of it is handed to git. */
  upstream: GitUpstream;
  /** PATH on which git is looked for. */
  path?: string;
}

/** How long a snapshot is kept after the last push that built on it, ms: longer than a run waits for an answer, mostly. */
export const SNAPSHOT_UNUSED_MS_MAX = 7 * 24 * 3_600_000;
/** A snapshot of one commit, commit and folders without files, larger than this is not taken, bytes. */
export const SNAPSHOT_BYTES_MAX = 256 * 1_048_576;

/**
 * The objects a push to a forge builds on: of each commit that is asked for, itself and its folders, without its history and,
 * where the forge can leave them out, without the content of files. Fetched once and kept while it is used. The request
 * is made here and goes the way all requests of the broker go, so no git of ours ever holds the forge's credential.
 */
export function fetchedBase(options: FetchedBaseOptions): BaseObjects {
  return {
    async find(commits, signal) {
      const found = await Promise.all(commits.map((oid) => snapshot(options, oid, signal)));
      await trimSnapshots(options.dir, commits);
      return { objects: found, whole: false };
    },
  };
}

async function snapshot(options: FetchedBaseOptions, oid: Oid, signal: AbortSignal): Promise<string> {
  const objects = join(options.dir, oid, "objects");
  if (await exists(objects)) {
    await utimes(join(options.dir, oid), new Date(), new Date()).catch(() => undefined); // trimmed by another push
    return objects;
  }
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const made = await fetchEither(options, oid, signal);
  try {
    await made.moveTo(join(options.dir, oid));
  } catch (error) {
    await made.remove();
    if (!(await exists(objects))) throw error; // another push of the same run was faster
  }
  return objects;
}

/** @throws BodyRefused when the host has no such commit for us, or no snapshot of it can be taken */
async function fetchEither(options: FetchedBaseOptions, oid: Oid, signal: AbortSignal): Promise<Quarantine> {
  try {
    return await fetchInto(options, oid, true, signal);
  } catch (error) {
    if (signal.aborted) throw error; // else: a host that cannot leave files out
  }
  try {
    return await fetchInto(options, oid, false, signal);
  } catch (error) {
    if (!(error instanceof PktBroken)) throw error;
    const why = `commit ${oid.slice(0, 12)}, on which it builds, could not be read from the repository's host (${error.message})`;
    throw new BodyRefused(
      403,
      `this push is refused: ${why}; if the base branch was rewritten, start a new run`,
    );
  }
}

async function fetchInto(
  options: FetchedBaseOptions,
  oid: Oid,
  withoutFiles: boolean,
  signal: AbortSignal,
): Promise<Quarantine> {
  const quarantine = await makeQuarantine(options.dir, []);
  try {
    const reply = await options.upstream.rpc(
      "git-upload-pack",
      new Blob([new Uint8Array(fetchRequest(oid, withoutFiles))]).stream(),
      "version=2",
      signal,
    );
    if (reply.status !== 200) {
      await reply.body.cancel();
      throw new PktBroken(`status ${reply.status}`);
    }
    await indexPack(options, quarantine.dir, packOf(chunksOf(reply.body)));
    return quarantine;
  } catch (error) {
    await quarantine.remove();
    throw error;
  }
}

/** One commit, without its parents. Source: gitprotocol-v2, `fetch`. */
function fetchRequest(oid: Oid, withoutFiles: boolean): Buffer {
  const lines = [`want ${oid}\n`, "deepen 1\n", ...(withoutFiles ? ["filter blob:none\n"] : []), "done\n"];
  return Buffer.concat([
    pktLine("command=fetch\n"),
    pktLine("object-format=sha1\n"),
    Buffer.from("0001"),
    pktLine("no-progress\n"),
    ...lines.map((line) => pktLine(line)),
    Buffer.from("0000"),
  ]);
}

/** The pack inside the answer. @throws PktBroken */
async function* packOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let inPack = false;
  let bytes = 0;
  for await (const unit of pktUnits(chunks)) {
    if (!inPack) {
      inPack = isLine(unit, "packfile");
      if (unit.kind === "data" && Buffer.from(unit.payload).toString("latin1", 0, 4) === "ERR ")
        throw new PktBroken("the host refused to send the commit");
      continue;
    }
    if (unit.kind !== "data") return;
    if (unit.payload[0] === 3) throw new PktBroken("the host broke off");
    if (unit.payload[0] !== 1) continue;
    bytes += unit.payload.length;
    if (bytes > SNAPSHOT_BYTES_MAX) throw new PktBroken(`a snapshot over ${SNAPSHOT_BYTES_MAX} bytes`);
    yield unit.payload.subarray(1);
  }
  throw new PktBroken("the answer ends before its pack does");
}

function isLine(unit: PktUnit, text: string): boolean {
  return unit.kind === "data" && textOf(unit) === text;
}

async function indexPack(
  options: FetchedBaseOptions,
  dir: string,
  pack: AsyncGenerator<Uint8Array, void>,
): Promise<void> {
  const child = Bun.spawn(
    ["git", ...GIT_GUARDS, `--git-dir=${dir}`, "index-pack", "--stdin", "--threads=1"],
    {
      env: gitEnv(options.path === undefined ? {} : { path: options.path }),
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  try {
    for await (const chunk of pack) {
      if (child.exitCode !== null) break;
      await child.stdin.write(chunk);
      await child.stdin.flush();
    }
    await endInput(child);
    await child.exited;
  } finally {
    child.kill("SIGKILL");
  }
  if (child.exitCode !== 0) throw new PktBroken("git could not read the snapshot");
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
