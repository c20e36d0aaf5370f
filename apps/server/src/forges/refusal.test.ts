import { expect, test } from "bun:test";
import type { Connection } from "@windshift/contract/api/connection.ts";
import { RunId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { recordCheck } from "../connections/connection-store.ts";
import { createControlPlane } from "../runs/control-plane.ts";
import { FORGE_TEST_MS_MAX, useForgeScene } from "../testing/forge-scene.ts";
import { createGitUpstreams } from "./git-upstreams.ts";

const at = useForgeScene(startForgejoServer, "REFUSE");

const connection = async () =>
  (await at.admin.get<Connection>(`/api/v1/connections/${at.workspace.connection.id}`)).body;

async function claimed(): Promise<{ key: string; job: JobSpec }> {
  const key = await at.workspace.assign();
  const job = await at.claimed(key);
  return { key, job };
}

/** Ends an attempt as a runner whose push was not taken. */
async function reportRejected(job: JobSpec): Promise<void> {
  const { database, forge: ports } = at.server;
  const plane = createControlPlane({
    database,
    defaults: { llmModel: undefined },
    addresses: { containerApiUrl: at.server.url, runnerApiUrl: at.server.url },
    readBranch: ports.readBranch,
    isolation: "container",
    onClaimError: () => {},
  });
  await plane.report(job, {
    attempt: job.attempt,
    isolation: "container",
    outcome: null,
    summary: "",
    failure: { reason: "push_rejected", detail: "the push was refused by the gate" },
    base_oid: job.repo.base_oid,
    head_oid: null,
    exit_code: 1,
  });
}

/** A host of git that answers everything with this status. */
async function askRefusing(run: number, status: number): Promise<void> {
  const upstreams = createGitUpstreams({
    database: at.server.database,
    repositoriesRoot: at.server.repositoriesRoot,
    clients: at.server.forgeClients,
    outbound: async () => new Response("no", { status }),
  });
  const upstream = await upstreams(at.workspace.repository.id, RunId.parse(run));
  const asked = upstream.advertise("git-upload-pack", undefined, new AbortController().signal);
  await asked.catch(() => {});
}

test(
  "a push that was refused ends with its own reason, though the connection had trouble with another run",
  async () => {
    const { key, job } = await claimed();
    await recordCheck(at.server.database.kysely, at.workspace.connection.id, "A sentence of another run.");
    await reportRejected(job);
    const run = await at.workspace.ended(key);
    expect([run.reason, run.detail]).toEqual(["push_rejected", "the push was refused by the gate"]);
  },
  FORGE_TEST_MS_MAX,
);

test(
  "what the host said to the run's own git is its reason, and only a refused credential is the connection's",
  async () => {
    await recordCheck(at.server.database.kysely, at.workspace.connection.id, null);
    const { key, job } = await claimed();
    await askRefusing(job.run_id, 403);
    await reportRejected(job);
    const run = await at.workspace.ended(key);
    expect(run.reason).toBe("misconfigured");
    expect(run.detail).toContain("HTTP 403");
    expect((await connection()).check_problem).toBeNull();
    const next = await claimed();
    await askRefusing(next.job.run_id, 401);
    expect((await connection()).check_problem).toContain("HTTP 401");
  },
  FORGE_TEST_MS_MAX,
);

test(
  "a problem of the connection is over when its credential works again",
  async () => {
    await at.server.database.kysely
      .updateTable("connections")
      .set({ checked_at_ms: 1, check_problem: "It was revoked." })
      .where("id", "=", at.workspace.connection.id)
      .execute();
    await claimed();
    expect((await connection()).check_problem).toBeNull();
  },
  FORGE_TEST_MS_MAX,
);
