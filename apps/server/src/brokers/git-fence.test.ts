import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { JobSpec } from "@windshift/contract/job.ts";
import { pktLine } from "@windshift/git-broker/pkt-line.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import type { ForgeServer } from "@windshift/testing/forges/forge-server.ts";
import { startForgejoServer } from "@windshift/testing/forges/forgejo-server.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { sweepLapsedLeases } from "../runs/run-sweep.ts";
import { createForgeWorkspace, type ForgeWorkspace } from "../testing/forge-workspace.ts";
import type { TestClient } from "../testing/test-client.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { RawConnection } from "./raw-connection-fixture.ts";

/** Each test is a few requests; a loaded machine may take long for them. */
const TEST_MS_MAX = 60_000;
const ZERO = "0".repeat(40);
/** More than the broker keeps back of a pack until its verdict, so that the forge has seen a part of it. */
const FILE_BYTES = 3_000_000;

let dir: TempDir;
let forge: ForgeServer;
let server: TestServer;
let admin: TestClient;
let workspace: ForgeWorkspace;
/** A commit on the base branch, and its pack. */
let commit: { oid: string; pack: Uint8Array };
beforeAll(async () => {
  dir = tempDir();
  forge = await startForgejoServer();
  server = await startTestServer();
  admin = await server.setUp();
  workspace = await createForgeWorkspace(server, admin, forge, "FENCE");
  commit = await packOfCommit();
}, TEST_MS_MAX);
afterAll(async () => {
  await workspace?.stop();
  await server?.close();
  await forge?.stop();
  dir.remove();
}, TEST_MS_MAX);

async function packOfCommit(): Promise<{ oid: string; pack: Uint8Array }> {
  const work = join(dir.path, "work");
  await gitOut(["clone", "--quiet", forge.dir, work], dir.path);
  await Bun.write(join(work, "change.bin"), randomBytes(FILE_BYTES));
  await gitOut(["add", "--all"], work);
  await gitOut(["commit", "--quiet", "--message", "A change"], work);
  const made = Bun.spawnSync(["git", "pack-objects", "--revs", "--stdout", "-q"], {
    cwd: work,
    stdin: Buffer.from("HEAD\n^HEAD^\n"),
  });
  return { oid: await gitOut(["rev-parse", "HEAD"], work), pack: made.stdout };
}

interface Started {
  item: string;
  job: JobSpec;
  connection: RawConnection;
}

let last: Started | undefined;

/** A run, and a connection to its repository. */
async function started(): Promise<Started> {
  const item = await workspace.assign();
  const job = await workspace.claim(item);
  if (job === undefined) throw new Error("no job");
  last = { item, job, connection: await RawConnection.open(new URL(job.repo.clone_url)) };
  return last;
}
afterEach(async () => {
  last?.connection.close();
  // One that went back to the queue would be the next test's.
  await admin.post(`/api/v1/agent-runs/${last?.job.run_id}/cancel`, {});
});

const head = (job: JobSpec) =>
  [
    `POST ${new URL(job.repo.clone_url).pathname}/git-receive-pack HTTP/1.1`,
    `Host: ${new URL(job.repo.clone_url).host}`,
    `Authorization: Basic ${btoa(`run:${job.tokens.git}`)}`,
    "Content-Type: application/x-git-receive-pack-request",
    "",
  ].join("\r\n");
const commands = ({ repo }: JobSpec, oid = commit.oid) =>
  Buffer.concat([
    pktLine(`${ZERO} ${oid} refs/heads/${repo.branch}\0report-status side-band-64k`),
    Buffer.from("0000"),
  ]);

/** The first request of a large push, which asks whether it may send one. */
async function probe({ job, connection }: Started): Promise<void> {
  connection.write(`${head(job)}Content-Length: 4\r\n\r\n0000`);
  expect((await connection.answer(1)).status).toBe(200);
}

function branchOf({ repo }: JobSpec): Promise<string> {
  return gitOut(["for-each-ref", "--format=%(objectname)", `refs/heads/${repo.branch}`], forge.dir);
}

const cancel = async ({ job }: Started) => {
  expect((await admin.post(`/api/v1/agent-runs/${job.run_id}/cancel`, {})).status).toBeLessThan(300);
};
/** The lease lapses and the sweep finds it. */
const expire = async ({ job }: Started) => {
  await server.database.kysely
    .updateTable("runs")
    .set({ lease_expires_at_ms: 1 })
    .where("id", "=", job.run_id)
    .execute();
  const swept = await sweepLapsedLeases(server.database, { llmModel: undefined });
  expect(swept).toEqual([{ run: job.run_id, attempt: job.attempt, became: "queued" }]);
};
/** Another runner has the run, as its second attempt. */
async function supersede(begun: Started): Promise<JobSpec> {
  await expire(begun);
  const second = await workspace.claim(begun.item);
  expect(second).toMatchObject({ run_id: begun.job.run_id, attempt: begun.job.attempt + 1 });
  return second as JobSpec;
}

for (const [what, end] of [
  ["is canceled", cancel],
  ["lost its lease", expire],
  ["was given to another runner", supersede],
] as const)
  describe(`GB-20 an attempt that ${what}`, () => {
    test(
      "between the probe and the pack has its next request refused, on the same connection",
      async () => {
        const begun = await started();
        await probe(begun);
        await end(begun);
        // The state is committed, so the very next request is too late: nothing is waited for.
        begun.connection.write(`${head(begun.job)}Transfer-Encoding: chunked\r\n\r\n`);
        begun.connection.writeChunk(Buffer.concat([commands(begun.job), commit.pack]));
        begun.connection.write("0\r\n\r\n");
        expect((await begun.connection.answer(2)).status).toBe(404);
        expect(await branchOf(begun.job)).toBe("");
      },
      TEST_MS_MAX,
    );

    test(
      "while its pack streams moves no branch",
      async () => {
        const begun = await started();
        await probe(begun);
        begun.connection.write(`${head(begun.job)}Transfer-Encoding: chunked\r\n\r\n`);
        begun.connection.writeChunk(Buffer.concat([commands(begun.job), commit.pack.subarray(0, -100)]));
        await eventually("the forge takes the push", async () => takesPush(await realpath(forge.dir)));
        await end(begun);
        begun.connection.writeChunk(commit.pack.subarray(-100));
        begun.connection.write("0\r\n\r\n");
        expect((await begun.connection.answer(2)).text).toContain(
          "this run has ended or was given to another",
        );
        expect(await branchOf(begun.job)).toBe("");
      },
      TEST_MS_MAX,
    );
  });

test(
  "GB-25 what a second attempt pushed stays, whatever the first one sends",
  async () => {
    const begun = await started();
    await probe(begun);
    const second = await supersede(begun);
    await workspace.work(second, { "second.txt": "of the second attempt\n" });
    const pushed = await branchOf(second);
    expect(pushed).not.toBe("");
    begun.connection.write(
      `${head(begun.job)}Content-Length: ${commands(begun.job).length + commit.pack.length}\r\n\r\n`,
    );
    begun.connection.write(Buffer.concat([commands(begun.job), commit.pack]));
    expect((await begun.connection.answer(2)).status).toBe(404);
    expect(await branchOf(second)).toBe(pushed);
  },
  TEST_MS_MAX,
);

/** Whether a git that takes a push works in the repository. */
async function takesPush(repository: string): Promise<boolean> {
  for await (const pid of new Bun.Glob("[0-9]*").scan({ cwd: "/proc", onlyFiles: false })) {
    // A process that has ended meanwhile is not the one.
    const line = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    const folder = line.includes("receive-pack") ? await readlink(`/proc/${pid}/cwd`).catch(() => "") : "";
    if (folder === repository) return true;
  }
  return false;
}
