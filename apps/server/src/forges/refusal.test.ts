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
  "a scope that a push needs and the token lacks is the run's reason, though git's front only says no",
  async () => {
    const { key, job } = await claimed();
    const path = `/api/v1/connections/${at.workspace.connection.id}`;
    const [weak] = at.forge.weakTokens;
    await at.admin.patch(path, { token: weak?.token });
    await askRefusing(job.run_id, 403);
    await reportRejected(job);
    const run = await at.workspace.ended(key);
    await at.admin.patch(path, { token: at.forge.tokens.full });
    expect(run.reason).toBe("misconfigured");
    expect(run.detail).toContain("lacks the scope `write:repository`");
    expect(run.detail).not.toContain(weak?.token ?? "none");
  },
  FORGE_TEST_MS_MAX,
);

test(
  "WB-20 a delivery asks the forge nothing by itself, signed or not, though the connection has a problem to be looked at",
  async () => {
    const { pull } = await at.proposed({ "delivery.txt": "d\n" });
    await at.looked(pull.id);
    // Nobody else asks the forge meanwhile.
    await at.server.database.kysely.updateTable("pull_requests").set({ look_at_ms: null }).execute();
    await at.server.database.kysely
      .updateTable("connections")
      .set({ checked_at_ms: 1, check_problem: "It was revoked." })
      .where("id", "=", at.workspace.connection.id)
      .execute();
    const before = at.forge.faults.log.length;
    const unsigned = at.forge.webhook("comment", pull.number, "not-the-secret-000000");
    const sent = Array.from({ length: 5 }, () => at.deliver(unsigned.headers, unsigned.body));
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual(Array(5).fill(401));
    // Of a pull request that nobody follows, so that it leads to nothing else.
    const { headers, body } = at.signed("comment", 987);
    expect((await at.deliver(headers, body)).status).toBe(202);
    expect(at.forge.faults.log.slice(before)).toEqual([]);
    expect((await connection()).check_problem).toBe("It was revoked.");
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
