import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fetchedBase } from "@windshift/git-broker/fetched-base.ts";
import { InspectionProcesses } from "@windshift/git-broker/inspection-process.ts";
import { localBase } from "@windshift/git-broker/quarantine-base.ts";
import { createQuarantineInspector } from "@windshift/git-broker/quarantine-inspector.ts";
import { sweepFolders } from "@windshift/git-broker/quarantine-repository.ts";
import type { Database } from "../db/database.ts";
import { isLocal } from "../forges/forge-choice.ts";
import { dirOf } from "../repositories/repository.ts";
import { getRepositoryRow } from "../repositories/repository-store.ts";
import type { InspectorOf } from "./git-grants.ts";

/** A quarantine this old is what a crash left, ms: the longest push is over long before. */
export const QUARANTINE_MS_MAX = 6 * 3_600_000;
/** Looks into pushes beside the repositories, so on a disk that has room for them. */
export function createPushInspection(
  ports: { database: Database; repositoriesRoot: string },
  command: readonly string[],
): InspectorOf {
  const beside = dirname(ports.repositoriesRoot);
  const tempRoot = join(beside, "quarantine");
  const snapshots = join(beside, "inspection");
  const processes = new InspectionProcesses(command);
  let ready: Promise<void> | undefined;
  return async ({ repositoryId, upstream, base, policy }) => {
    ready ??= makeRoom(tempRoot);
    await ready;
    const db = ports.database.kysely;
    const dir = join(snapshots, String(repositoryId));
    const local = await isLocal(db, repositoryId);
    const known = local
      ? localBase(dirOf(ports, await getRepositoryRow(db, repositoryId)))
      : fetchedBase({ dir, upstream });
    return createQuarantineInspector({ processes, tempRoot, known, base, policy });
  };
}

async function makeRoom(tempRoot: string): Promise<void> {
  await mkdir(tempRoot, { recursive: true, mode: 0o700 });
  await sweepFolders(tempRoot, QUARANTINE_MS_MAX);
}
