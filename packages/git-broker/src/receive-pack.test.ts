import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  authorization,
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
let work: string;
let runs = 0;

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());
beforeEach(async () => {
  run = broker.grant(7 + runs++);
  work = join(broker.dir, `work-${runs}`);
  await mustGit(broker, broker.dir, "clone", "-q", "--single-branch", run.urlWithToken, work);
  await commit("change.txt", `${runs}\n`);
  forget(broker);
});

async function commit(file: string, content: string | Uint8Array): Promise<string> {
  await Bun.write(join(work, file), content);
  await mustGit(broker, work, "add", "-A");
  await mustGit(broker, work, "commit", "-q", "-m", `change ${file}`);
  return mustGit(broker, work, "rev-parse", "HEAD");
}
const push = (...refspecs: string[]) =>
  broker.client(work, ["push", "--porcelain", run.urlWithToken, ...refspecs]);
const receiveCalls = () => broker.upstreamCalls.filter((call) => call.service === "git-receive-pack");
const ZERO = "0".repeat(40);

test("a push of the granted ref arrives and is recorded before the client hears of it", async () => {
  const head = await mustGit(broker, work, "rev-parse", "HEAD");
  const result = await push(`HEAD:${run.ref}`);
  expect(result.exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(head);
  expect(broker.pushed.map((entry) => String(entry.oid))).toEqual([head]);
});

test("GB-01 a push to main with a valid token is refused in words git shows, sends nothing upstream and is audited", async () => {
  const before = await refOf(broker, "refs/heads/main");
  const result = await push("HEAD:refs/heads/main");
  expect(result.exitCode).not.toBe(0);
  expect(result.stderr).toContain(`remote: this run may push only ${run.ref}`);
  expect(result.stdout).toContain("[remote rejected] (refused by Windshift)");
  expect(receiveCalls()).toEqual([]);
  expect(await refOf(broker, "refs/heads/main")).toBe(before);
  expect(broker.refusals).toEqual([
    expect.objectContaining({
      runId: run.runId,
      refs: ["refs/heads/main"],
      why: expect.stringContaining(run.ref),
    }),
  ]);
});

test("GB-01 a refusal says in plain text what the run may push", async () => {
  const body = Buffer.concat([
    pktLine(`${ZERO} ${"a".repeat(40)} refs/heads/main\0report-status`),
    Buffer.from("0000PACK"),
  ]);
  const reply = await post(run, "git-receive-pack", body);
  expect(reply.status).toBe(403);
  expect(reply.headers.get("content-type")).toStartWith("text/plain");
  expect(await reply.text()).toBe(`this run may push only ${run.ref}\n`);
});

test("GB-02 a push of two refs, the granted one first, has no effect at all", async () => {
  const result = await push(`HEAD:${run.ref}`, "HEAD:refs/heads/other");
  expect(result.exitCode).not.toBe(0);
  expect(receiveCalls()).toEqual([]);
  expect(await refOf(broker, run.ref)).toBeUndefined();
  expect(await refOf(broker, "refs/heads/other")).toBeUndefined();
});

test("GB-02 a push of 500 refs with the bad one last has no effect at all", async () => {
  const refs = Array.from({ length: 499 }, (_, i) => `${run.ref}${i === 0 ? "" : `-${i}`}`);
  const lines = [...refs, "refs/heads/main"].map((ref, i) =>
    pktLine(`${ZERO} ${"a".repeat(40)} ${ref}${i === 0 ? "\0report-status" : ""}`),
  );
  const reply = await post(run, "git-receive-pack", Buffer.concat([...lines, Buffer.from("0000PACK")]));
  expect(reply.status).toBe(403);
  expect(receiveCalls()).toEqual([]);
});

test("GB-04 a push that deletes the granted ref is refused at once and leaves it", async () => {
  await push(`HEAD:${run.ref}`);
  const head = await refOf(broker, run.ref);
  broker.upstreamCalls.length = 0;
  // git itself gives up because delete-refs is not advertised; a client that does not care is refused by the gate.
  expect((await push(`:${run.ref}`)).exitCode).not.toBe(0);
  const body = Buffer.concat([pktLine(`${head} ${ZERO} ${run.ref}\0report-status`), Buffer.from("0000")]);
  const reply = await post(run, "git-receive-pack", body);
  expect(reply.status).toBe(403);
  expect(receiveCalls()).toEqual([]);
  expect(await refOf(broker, run.ref)).toBe(head);
});

test("GB-06 a push from a shallow clone arrives", async () => {
  await push(`HEAD:${run.ref}`);
  const shallow = join(broker.dir, `shallow-${runs}`);
  await mustGit(
    broker,
    broker.dir,
    "clone",
    "-q",
    "--depth",
    "1",
    "-b",
    run.ref.slice(11),
    run.urlWithToken,
    shallow,
  );
  work = shallow;
  const head = await commit("shallow.txt", "x\n");
  expect((await push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  expect(await refOf(broker, run.ref)).toBe(head);
});

test("GB-07 GB-08 a push is offered neither certificates nor options nor deletes", async () => {
  await mustGit(broker, broker.repository, "config", "receive.advertisePushOptions", "true");
  await mustGit(broker, broker.repository, "config", "receive.certNonceSeed", "seed");
  const reply = await fetch(`${run.url}/info/refs?service=git-receive-pack`, {
    headers: { authorization: authorization(run.token) },
  });
  const text = await reply.text();
  expect(text).toContain("report-status");
  expect(text).not.toMatch(/push-options|push-cert|delete-refs|report-status-v2/);
  const result = await broker.client(work, ["push", "-o", "ci.skip;id", run.urlWithToken, `HEAD:${run.ref}`]);
  expect(result.exitCode).not.toBe(0);
  expect(receiveCalls()).toEqual([]);
});

for (const [what, body] of [
  ["no pkt-line", Buffer.from("zzzz")],
  ["a line cut off", pktLine(`${ZERO} ${"a".repeat(40)} refs/heads/main\0report-status`).subarray(0, 60)],
  [
    "more than 64 KiB without a verdict",
    Buffer.concat(Array(1_500).fill(pktLine(`shallow ${"a".repeat(40)}`))),
  ],
] as const)
  test(`GB-10 ${what} is answered 400, audited, and calls no upstream`, async () => {
    expect((await post(run, "git-receive-pack", body)).status).toBe(400);
    expect(broker.upstreamCalls).toEqual([]);
    expect(broker.refusals).toHaveLength(1);
  });

for (const encoding of ["gzip", "x-gzip", "GZIP", "gzip, gzip", "br", "identity"])
  test(`GB-11 a push with Content-Encoding ${encoding} is refused with 415 and not forwarded`, async () => {
    const body = Bun.gzipSync(Buffer.from("0000"));
    const reply = await post(run, "git-receive-pack", body, { "content-encoding": encoding });
    expect(reply.status).toBe(415);
    expect(broker.upstreamCalls).toEqual([]);
    expect(broker.refusals).toHaveLength(1);
  });

test("GB-14 a push of 3 MB is probed without touching the upstream and arrives unchanged", async () => {
  const content = randomBytes(3 * 1024 * 1024);
  const head = await commit("big.bin", content);
  expect((await push(`HEAD:${run.ref}`)).exitCode).toBe(0);
  const posts = broker.seen.filter((request) => request.line.startsWith("POST"));
  expect(posts.map((request) => request.headers.get("content-length"))).toEqual(["4", null]);
  expect(receiveCalls()).toHaveLength(1);
  expect(await refOf(broker, run.ref)).toBe(head);
  await mustGit(broker, broker.repository, "fsck", "--strict");
});

test("GB-20 a push is refused once the run ended between the probe and the pack", async () => {
  await commit("big.bin", randomBytes(2 * 1024 * 1024));
  const probe = await post(run, "git-receive-pack", "0000");
  expect(probe.status).toBe(200);
  expect(await probe.text()).toBe("");
  run.live = false;
  const reply = await post(run, "git-receive-pack", smallPush());
  expect(reply.status).toBe(403);
  expect(receiveCalls()).toEqual([]);
  expect(await refOf(broker, run.ref)).toBeUndefined();
});

test("GB-20 GB-25 a push moves no ref when the attempt is superseded while its pack streams", async () => {
  await commit("big.bin", randomBytes(3 * 1024 * 1024));
  let checks = 0;
  broker.onLiveCheck = () => {
    // 1: info/refs, 2: after the gate's verdict, 3: before the last bytes.
    if (++checks === 3) run.live = false;
  };
  const result = await push(`HEAD:${run.ref}`);
  broker.onLiveCheck = () => undefined;
  expect(checks).toBe(3);
  expect(result.exitCode).not.toBe(0);
  expect(receiveCalls()).toHaveLength(1);
  expect(await refOf(broker, run.ref)).toBeUndefined();
  expect(broker.pushed).toEqual([]);
});

test("GB-25 a push of a superseded attempt is refused by the broker and not by the upstream", async () => {
  await push(`HEAD:${run.ref}`);
  const head = await refOf(broker, run.ref);
  const body = smallPush(head);
  run.live = false;
  broker.upstreamCalls.length = 0;
  await commit("late.txt", "late\n");
  expect((await push(`+HEAD:${run.ref}`)).exitCode).not.toBe(0);
  expect((await post(run, "git-receive-pack", body)).status).toBe(403);
  expect(broker.upstreamCalls).toEqual([]);
  expect(await refOf(broker, run.ref)).toBe(head);
});

test("a push that the upstream refuses is passed on and not recorded", async () => {
  await push(`HEAD:${run.ref}`);
  broker.pushed.length = 0;
  const reply = await post(run, "git-receive-pack", smallPush(await refOf(broker, run.ref)));
  expect(reply.status).toBe(200);
  expect(await reply.text()).toMatch(/ng refs\/heads\/agent-runs|unpack .*rror/);
  expect(broker.pushed).toEqual([]);
});

test("a push that says the branch stands elsewhere is refused before any of it reaches the upstream", async () => {
  await push(`HEAD:${run.ref}`);
  const head = await refOf(broker, run.ref);
  const main = await refOf(broker, "refs/heads/main");
  forget(broker);
  for (const old of [ZERO, "1".repeat(40), main]) {
    const reply = await post(run, "git-receive-pack", smallPush(old));
    expect(await reply.text()).toContain(
      `the branch stands at ${head?.slice(0, 12)}, not where this push says`,
    );
  }
  expect(receiveCalls()).toEqual([]);
  expect(broker.refusals).toHaveLength(3);
  expect(await refOf(broker, run.ref)).toBe(head);
});

test("what a push was told about the branch is good for one push only", async () => {
  await fetch(`${run.url}/info/refs?service=git-receive-pack`, {
    headers: { authorization: authorization(run.token) },
  });
  await mustGit(broker, broker.repository, "update-ref", run.ref, "refs/heads/main");
  await post(run, "git-receive-pack", smallPush());
  expect(receiveCalls()).toHaveLength(1);
  const reply = await post(run, "git-receive-pack", smallPush());
  expect(await reply.text()).toContain("not where this push says");
  expect(receiveCalls()).toHaveLength(1);
});

function smallPush(old = ZERO): Buffer {
  return Buffer.concat([
    pktLine(`${old} ${"a".repeat(40)} ${run.ref}\0report-status`),
    Buffer.from("0000PACK\0\0\0\u0002\0\0\0\0", "latin1"),
    Buffer.from("029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex"),
  ]);
}
