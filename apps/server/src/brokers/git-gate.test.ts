import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RunId } from "@windshift/contract/ids.ts";
import type { JobSpec } from "@windshift/contract/job.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { createGitUpstreams } from "../forges/git-upstreams.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

/** Each test is a few requests; a loaded machine may take long for them. */
const TEST_MS_MAX = 60_000;
const ZERO = "0".repeat(40);

let forge: ForgeServer;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
beforeAll(async () => {
  forge = await startForgejoServer();
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "GATE");
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
}, TEST_MS_MAX);

async function started(): Promise<JobSpec> {
  const job = await workspace.claim(await workspace.assign());
  if (job === undefined) throw new Error("no job");
  return job;
}

/** A push of an empty pack, made by hand: `oid` is there already. */
function push(job: JobSpec, ref: string, oid: string): Promise<Response> {
  const line = `${ZERO} ${oid} ${ref}\0report-status side-band-64k`;
  const pack = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
  const trailer = Buffer.from("029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");
  const head = `${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`;
  return fetch(`${job.repo.clone_url}/git-receive-pack`, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa(`run:${job.tokens.git}`)}`,
      "content-type": "application/x-git-receive-pack-request",
    },
    body: Buffer.concat([Buffer.from(head, "latin1"), pack, trailer]),
  });
}

const audited = (action: string) =>
  server.database.kysely.selectFrom("audit_log").selectAll().where("action", "=", action).execute();
const branches = () => gitOut(["for-each-ref", "--format=%(refname)", "refs/heads"], forge.dir);

test(
  "GB-01 a push to main is refused without the credential having been opened",
  async () => {
    const job = await started();
    const { kysely } = server.database;
    const { secret_sealed } = await kysely
      .selectFrom("connections")
      .select("secret_sealed")
      .where("id", "=", workspace.connection.id)
      .executeTakeFirstOrThrow();
    const seal = (sealed: string | null) =>
      kysely
        .updateTable("connections")
        .set({ secret_sealed: sealed })
        .where("id", "=", workspace.connection.id)
        .execute();
    // Whoever opens this fails.
    await seal("not a sealed secret");
    try {
      const refused = await push(job, "refs/heads/main", job.repo.base_oid ?? ZERO);
      expect(refused.status).toBe(200);
      expect(await refused.text()).toContain("this run may push only refs/heads/agent-runs/");
      const [row, ...more] = await audited("push.refused");
      expect(more).toEqual([]);
      expect(row).toMatchObject({ subject: `run ${job.run_id}`, actor: `run ${job.run_id} attempt 1` });
      expect(JSON.stringify(row)).toContain("refs/heads/main");
      const granted = await push(job, `refs/heads/${job.repo.branch}`, job.repo.base_oid ?? ZERO);
      expect(granted.status).toBeGreaterThanOrEqual(500);
    } finally {
      await seal(secret_sealed);
    }
    const granted = await push(job, `refs/heads/${job.repo.branch}`, job.repo.base_oid ?? ZERO);
    expect(await granted.text()).toContain(`ok refs/heads/${job.repo.branch}`);
    expect(await branches()).toContain(`refs/heads/${job.repo.branch}`);
  },
  TEST_MS_MAX,
);

test(
  "GB-27 a push whose branch the forge does not move is not recorded, and its report says so",
  async () => {
    const job = await started();
    const { branch, base_oid } = job.repo;
    // Whoever holds this lock keeps git from moving the branch: `unpack ok`, then `ng`.
    const lock = join(forge.dir, "refs/heads", `${branch}.lock`);
    await mkdir(dirname(lock), { recursive: true });
    await Bun.write(lock, "");
    const recorded = async () =>
      (
        await server.database.kysely
          .selectFrom("runs")
          .select("pushed_oid")
          .where("id", "=", job.run_id)
          .executeTakeFirstOrThrow()
      ).pushed_oid;
    const refused = await (await push(job, `refs/heads/${branch}`, base_oid ?? ZERO)).text();
    expect(refused).toContain("unpack ok");
    expect(refused).toContain(`ng refs/heads/${branch} `);
    expect(await recorded()).toBeNull();
    await rm(lock);
    const taken = await (await push(job, `refs/heads/${branch}`, base_oid ?? ZERO)).text();
    expect(taken).toContain(`ok refs/heads/${branch}`);
    expect(await recorded()).toBe(base_oid);
  },
  TEST_MS_MAX,
);

test(
  "GB-22 a host that gives the credential back is an alarm in the audit log",
  async () => {
    const job = await started();
    const upstreamOf = createGitUpstreams({
      database: server.database,
      repositoriesRoot: server.repositoriesRoot,
      clients: server.forgeClients,
      outbound: async (_url, init) =>
        new Response(`you sent ${new Headers(init?.headers).get("authorization")}`, { status: 403 }),
    });
    const upstream = await upstreamOf(workspace.repository.id, RunId.parse(job.run_id));
    const reply = await upstream.advertise("git-upload-pack", undefined, new AbortController().signal);
    expect(reply.sentence).not.toContain(forge.tokens.full);
    const rows = await audited("connection.credential_echoed");
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).toContain(`connection ${workspace.connection.id}`);
    expect(JSON.stringify(rows)).not.toContain(forge.tokens.full);
  },
  TEST_MS_MAX,
);
