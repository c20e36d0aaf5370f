import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import {
  type BrokerFixture,
  forget,
  mustGit,
  post,
  type RunGrant,
  refOf,
  startBroker,
} from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";

let broker: BrokerFixture;
let run: RunGrant;
let runs = 0;

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());
beforeEach(async () => {
  run = broker.grant(7 + runs++);
  forget(broker);
});

for (const version of ["0", "2"])
  test(`GB-13 a fetch of 400 refs works with protocol ${version} and gzip bodies`, async () => {
    const fetchRefs = Array.from({ length: 400 }, (_, i) => `refs/heads/many/b${i}`);
    for (const ref of fetchRefs) await Bun.write(join(broker.repository, ref), `${await mainOid()}\n`);
    run = broker.grant(1000 + runs, { fetchRefs });
    const into = join(broker.dir, `many-${version}-${runs}`);
    await mustGit(broker, broker.dir, "init", "-q", into);
    const fetched = await broker.client(into, [
      "-c",
      `protocol.version=${version}`,
      "fetch",
      "-q",
      run.urlWithToken,
      "refs/heads/*:refs/remotes/o/*",
    ]);
    expect(fetched.stderr).toBe("");
    expect(
      (await mustGit(broker, into, "for-each-ref", "--format=x", "refs/remotes/o/many")).split("\n"),
    ).toHaveLength(400);
    const posts = broker.seen.filter((request) => request.line.includes("POST"));
    expect(broker.upstreamCalls.at(-1)?.protocol).toBe(version === "2" ? "version=2" : undefined);
    if (version === "0") expect(posts.some((r) => r.headers.get("content-encoding") === "gzip")).toBe(true);
  });

test("a fetch with a body that unpacks to more than the limit is refused", async () => {
  const want = pktLine(`want ${await mainOid()}\n`);
  const bomb = Bun.gzipSync(Buffer.concat(Array(1_000_000).fill(want)));
  expect(bomb.length).toBeLessThan(1024 * 1024);
  const reply = await post(run, "git-upload-pack", bomb, { "content-encoding": "gzip" });
  expect(reply.status).toBe(413);
});

test("a fetch with a body that is not gzip though it says so is refused", async () => {
  expect((await post(run, "git-upload-pack", "0000", { "content-encoding": "gzip" })).status).toBe(400);
  expect((await post(run, "git-upload-pack", "0000", { "content-encoding": "br" })).status).toBe(415);
});

test("a fetch of an ended run is refused", async () => {
  run.live = false;
  const result = await broker.client(broker.repository, ["fetch", run.urlWithToken]);
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain("this run has ended");
  expect((await post(run, "git-upload-pack", "0000")).status).toBe(403);
  expect(broker.upstreamCalls).toEqual([]);
});

const mainOid = async () => (await refOf(broker, "refs/heads/main")) ?? "";
