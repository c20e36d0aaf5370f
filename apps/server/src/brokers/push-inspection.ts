import { mkdir, readdir, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fetchedBase, SNAPSHOT_UNUSED_MS_MAX } from "@windshift/git-broker/fetched-base.ts";
import { InspectionProcesses } from "@windshift/git-broker/inspection-process.ts";
import { localBase } from "@windshift/git-broker/quarantine-base.ts";
import { createQuarantineInspector } from "@windshift/git-broker/quarantine-inspector.ts";
import { sweepFolders, unlessGone } from "@windshift/git-broker/quarantine-repository.ts";
import type { Database } from "../db/database.ts";
import { isLocal } from "../forges/forge-choice.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { InspectorOf } from "./git-grants.ts";

/** A quarantine this old is what a crash left, ms: the longest push is over long before. */
export const QUARANTINE_MS_MAX = 6 * 3_600_000;
/** How often what crashes left, and snapshots of repositories that nobody uses, are looked for, ms; with the next push after it. */
export const INSPECTION_SWEEP_MS = 3_600_000;

/** Looks into pushes beside the repositories, so on a disk that has room for them. */
export function createPushInspection(
  ports: { database: Database; repositoriesRoot: string },
  command: readonly string[],
): InspectorOf {
  const beside = dirname(ports.repositoriesRoot);
  const tempRoot = join(beside, "quarantine");
  const snapshots = join(beside, "inspection");
  const processes = new InspectionProcesses(command);
  const sweep = createSweep(tempRoot, snapshots);
  return async ({ run, repositoryId, upstream, base, policy }) => {
    await mkdir(tempRoot, { recursive: true, mode: 0o700 });
    await sweep();
    const db = ports.database.kysely;
    const dir = join(snapshots, String(repositoryId));
    const local = await isLocal(db, repositoryId);
    const known = local
      ? localBase(dirOf(ports, await getRepositoryRow(db, repositoryId)))
      : fetchedBase({ dir, upstream });
    return createQuarantineInspector({ run, processes, tempRoot, known, base, policy });
  };
}

/** A sweep that fails is tried again with the next push and holds none up: what it leaves costs room, not safety. */
export function createSweep(
  tempRoot: string,
  snapshots: string,
  nowMs: () => number = Date.now,
): () => Promise<void> {
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (nowMs() - sweptAtMs < INSPECTION_SWEEP_MS) return;
    const before = sweptAtMs;
    sweptAtMs = nowMs();
    try {
      await sweepFolders(tempRoot, QUARANTINE_MS_MAX);
      for (const repository of (await unlessGone(() => readdir(snapshots))) ?? []) {
        const dir = join(snapshots, repository);
        // Only an empty folder goes; another push may have filled it meanwhile.
        if ((await sweepFolders(dir, SNAPSHOT_UNUSED_MS_MAX)) === 0) await rmdir(dir).catch(() => undefined);
      }
    } catch {
      sweptAtMs = before;
    }
  };
}
