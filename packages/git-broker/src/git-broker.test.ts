import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type BrokerFixture, mustGit, type RunGrant, refOf, startBroker } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";

let broker: BrokerFixture;
let run: RunGrant;
let work: string;
let clones = 0;

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());
beforeEach(async () => {
  run = broker.grant(7 + clones);
  work = join(broker.dir, `work-${clones++}`);
  await mustGit(broker, broker.dir, "clone", "-q", run.urlWithToken, work);
  await commit("change.txt", `${clones}\n`);
  broker.refusals.length = 0;
  broker.upstreamCalls.length = 0;
  broker.pushed.length = 0;
  broker.seen.length = 0;
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
const basic = (token: string) => `Basic ${btoa(`x:${token}`)}`;
const post = (service: string, body: BodyInit, headers: Record<string, string> = {}, token = run.token) =>
  fetch(`${run.url}/${service}`, {
    method: "POST",
    body,
    headers: { authorization: basic(token), "content-type": `application/x-${service}-request`, ...headers },
  });
const pushBody = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const ZERO = "0".repeat(40);

describe("a push", () => {
  test("of the granted ref arrives and is recorded before the client hears of it", async () => {
    const head = await mustGit(broker, work, "rev-parse", "HEAD");
    const result = await push(`HEAD:${run.ref}`);
    expect(result.exitCode).toBe(0);
    expect(await refOf(broker, run.ref)).toBe(head);
    expect(broker.pushed.map((entry) => String(entry.oid))).toEqual([head]);
  });

  test("GB-01 to main with a valid token is refused with 403, sends nothing upstream and is audited", async () => {
    const before = await refOf(broker, "refs/heads/main");
    const result = await push("HEAD:refs/heads/main");
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("403");
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

  test("GB-01 says in plain text what the run may push", async () => {
    const body = pushBody([
      pktLine(`${ZERO} ${"a".repeat(40)} refs/heads/main\0report-status`),
      Buffer.from("0000PACK"),
    ]);
    const reply = await post("git-receive-pack", body);
    expect(reply.status).toBe(403);
    expect(reply.headers.get("content-type")).toStartWith("text/plain");
    expect(await reply.text()).toBe(`this run may push only ${run.ref}\n`);
  });

  test("GB-02 of two refs, the granted one first, has no effect at all", async () => {
    const result = await push(`HEAD:${run.ref}`, "HEAD:refs/heads/other");
    expect(result.exitCode).not.toBe(0);
    expect(receiveCalls()).toEqual([]);
    expect(await refOf(broker, run.ref)).toBeUndefined();
    expect(await refOf(broker, "refs/heads/other")).toBeUndefined();
  });

  test("GB-02 of 500 refs with the bad one last has no effect at all", async () => {
    const refs = Array.from({ length: 499 }, (_, i) => `${run.ref}${i === 0 ? "" : `-${i}`}`);
    const lines = [...refs, "refs/heads/main"].map((ref, i) =>
      pktLine(`${ZERO} ${"a".repeat(40)} ${ref}${i === 0 ? "\0report-status" : ""}`),
    );
    const reply = await post("git-receive-pack", pushBody([...lines, Buffer.from("0000PACK")]));
    expect(reply.status).toBe(403);
    expect(receiveCalls()).toEqual([]);
  });

  test("GB-04 that deletes the granted ref is refused at once and leaves it", async () => {
    await push(`HEAD:${run.ref}`);
    const head = await refOf(broker, run.ref);
    broker.upstreamCalls.length = 0;
    // git itself gives up because delete-refs is not advertised; a client that does not care is refused by the gate.
    expect((await push(`:${run.ref}`)).exitCode).not.toBe(0);
    const body = pushBody([pktLine(`${head} ${ZERO} ${run.ref}\0report-status`), Buffer.from("0000")]);
    const reply = await post("git-receive-pack", body);
    expect(reply.status).toBe(403);
    expect(receiveCalls()).toEqual([]);
    expect(await refOf(broker, run.ref)).toBe(head);
  });

  test("GB-06 from a shallow clone arrives", async () => {
    await push(`HEAD:${run.ref}`);
    const shallow = join(broker.dir, `shallow-${clones}`);
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

  test("GB-07 GB-08 is offered neither certificates nor options nor deletes", async () => {
    await mustGit(broker, broker.repository, "config", "receive.advertisePushOptions", "true");
    await mustGit(broker, broker.repository, "config", "receive.certNonceSeed", "seed");
    const reply = await fetch(`${run.url}/info/refs?service=git-receive-pack`, {
      headers: { authorization: basic(run.token) },
    });
    const text = await reply.text();
    expect(text).toContain("report-status");
    expect(text).not.toMatch(/push-options|push-cert|delete-refs|report-status-v2/);
    const result = await broker.client(work, [
      "push",
      "-o",
      "ci.skip;id",
      run.urlWithToken,
      `HEAD:${run.ref}`,
    ]);
    expect(result.exitCode).not.toBe(0);
    expect(receiveCalls()).toEqual([]);
  });

  for (const encoding of ["gzip", "x-gzip", "GZIP", "gzip, gzip", "br", "identity"])
    test(`GB-11 with Content-Encoding ${encoding} is refused with 415 and not forwarded`, async () => {
      const body = Bun.gzipSync(Buffer.from("0000"));
      const reply = await post("git-receive-pack", body, { "content-encoding": encoding });
      expect(reply.status).toBe(415);
      expect(broker.upstreamCalls).toEqual([]);
      expect(broker.refusals).toHaveLength(1);
    });

  test("GB-14 of 3 MB is probed without touching the upstream and arrives unchanged", async () => {
    const content = randomBytes(3 * 1024 * 1024);
    const head = await commit("big.bin", content);
    expect((await push(`HEAD:${run.ref}`)).exitCode).toBe(0);
    const posts = broker.seen.filter((request) => request.line.startsWith("POST"));
    expect(posts.map((request) => request.headers.get("content-length"))).toEqual(["4", null]);
    expect(receiveCalls()).toHaveLength(1);
    expect(await refOf(broker, run.ref)).toBe(head);
    await mustGit(broker, broker.repository, "fsck", "--strict");
  });

  test("GB-20 is refused once the run ended between the probe and the pack", async () => {
    await commit("big.bin", randomBytes(2 * 1024 * 1024));
    const probe = await post("git-receive-pack", "0000");
    expect(probe.status).toBe(200);
    expect(await probe.text()).toBe("");
    run.live = false;
    const reply = await post("git-receive-pack", smallPush());
    expect(reply.status).toBe(403);
    expect(receiveCalls()).toEqual([]);
    expect(await refOf(broker, run.ref)).toBeUndefined();
  });

  test("GB-20 GB-25 moves no ref when the attempt is superseded while its pack streams", async () => {
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

  test("GB-25 of a superseded attempt is refused by the broker and not by the upstream", async () => {
    await push(`HEAD:${run.ref}`);
    const head = await refOf(broker, run.ref);
    const body = smallPush(head);
    run.live = false;
    broker.upstreamCalls.length = 0;
    await commit("late.txt", "late\n");
    expect((await push(`+HEAD:${run.ref}`)).exitCode).not.toBe(0);
    expect((await post("git-receive-pack", body)).status).toBe(403);
    expect(broker.upstreamCalls).toEqual([]);
    expect(await refOf(broker, run.ref)).toBe(head);
  });

  test("that the upstream refuses is passed on and not recorded", async () => {
    await push(`HEAD:${run.ref}`);
    broker.pushed.length = 0;
    const reply = await post("git-receive-pack", smallPush("1".repeat(40)));
    expect(reply.status).toBe(200);
    expect(await reply.text()).toMatch(/ng refs\/heads\/agent-runs|unpack .*rror/);
    expect(broker.pushed).toEqual([]);
  });

  function smallPush(old = ZERO): Uint8Array<ArrayBuffer> {
    return pushBody([
      pktLine(`${old} ${"a".repeat(40)} ${run.ref}\0report-status`),
      Buffer.from("0000PACK\0\0\0\u0002\0\0\0\0", "latin1"),
      Buffer.from("029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex"),
    ]);
  }
});

describe("a fetch", () => {
  for (const version of ["0", "2"])
    test(`GB-13 of 400 refs works with protocol ${version} and gzip bodies`, async () => {
      for (let i = 0; i < 400; i++)
        await Bun.write(join(broker.repository, `refs/heads/many/b${i}`), `${await mainOid()}\n`);
      const into = join(broker.dir, `many-${version}-${clones}`);
      await mustGit(broker, broker.dir, "init", "-q", into);
      await commit("x.txt", version);
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

  test("with a body that unpacks to more than the limit is refused", async () => {
    const want = pktLine(`want ${await mainOid()}\n`);
    const bomb = Bun.gzipSync(new Uint8Array(Buffer.concat(Array(1_000_000).fill(want))));
    expect(bomb.length).toBeLessThan(1024 * 1024);
    const reply = await post("git-upload-pack", bomb, { "content-encoding": "gzip" });
    expect(reply.status).toBe(413);
  });

  test("with a body that is not gzip though it says so is refused", async () => {
    expect((await post("git-upload-pack", "0000", { "content-encoding": "gzip" })).status).toBe(400);
    expect((await post("git-upload-pack", "0000", { "content-encoding": "br" })).status).toBe(415);
  });

  test("of an ended run is refused", async () => {
    run.live = false;
    const result = await broker.client(work, ["fetch", run.urlWithToken]);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("this run has ended");
    expect((await post("git-upload-pack", "0000")).status).toBe(403);
    expect(broker.upstreamCalls).toEqual([]);
  });

  const mainOid = async () => (await refOf(broker, "refs/heads/main")) ?? "";
});

describe("an address", () => {
  const ask = (url: string, init: RequestInit = {}) =>
    fetch(url, { headers: { authorization: basic(run.token) }, ...init });

  for (const suffix of [
    "/info/refs?service=git-upload-pack&service=git-receive-pack",
    "/info/refs?service=git-upload-pack&x=1",
    "/info/refs?service=git-upload-pack;x",
    "//info/refs?service=git-upload-pack",
    "/info%2frefs?service=git-upload-pack",
    "/x/%2e%2e/%2e%2e/other.git/info/refs?service=git-upload-pack",
    "/..%2fother.git/info/refs?service=git-upload-pack",
    "/..%252fother.git/info/refs?service=git-upload-pack",
    "/info/refs;a=b?service=git-upload-pack",
  ])
    test(`GB-17 ${suffix} is no address`, async () => {
      expect((await ask(run.url + suffix)).status).toBe(404);
      expect(broker.upstreamCalls).toEqual([]);
    });

  for (const suffix of [
    "/info/refs",
    "/info/refs?service=git-archive",
    "/info/refs?service=git-upload-archive",
    "/HEAD",
    "/objects/info/packs",
    "/objects/aa/bb",
    "/info/lfs/objects/batch",
    "/git-upload-archive",
  ])
    test(`GB-18 ${suffix} reaches nothing`, async () => {
      for (const method of ["GET", "POST"])
        expect((await ask(run.url + suffix, { method })).status).toBe(404);
      expect(broker.upstreamCalls).toEqual([]);
    });

  test("GB-18 takes each service with its own method only", async () => {
    expect((await ask(`${run.url}/git-receive-pack`)).status).toBe(404);
    expect((await ask(`${run.url}/info/refs?service=git-upload-pack`, { method: "POST" })).status).toBe(404);
  });

  test("GB-19 of another run, repository, owner or with another token answers like an unknown one", async () => {
    const other = broker.grant(900);
    const answers = [];
    for (const [url, token] of [
      [run.url, other.token],
      [other.url, run.token],
      [run.url.replace("/acme/", "/evil/"), run.token],
      [run.url.replace("repo.git", "repos.git"), run.token],
      [run.url.replace(/proxy\/\d+/, "proxy/123456"), run.token],
      [run.url.replace(/proxy\/\d+/, "proxy/9999999999"), run.token],
      [run.url, "wsrun_wrong"],
    ] as const) {
      const reply = await ask(`${url}/info/refs?service=git-upload-pack`, {
        headers: { authorization: basic(token) },
      });
      const headers = [...reply.headers].filter(([name]) => name !== "date");
      answers.push({ status: reply.status, body: await reply.text(), headers });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect(broker.upstreamCalls).toEqual([]);
  });

  test("asks for credentials only when none came", async () => {
    const url = `${run.url}/info/refs?service=git-upload-pack`;
    const bare = await fetch(url);
    expect(bare.status).toBe(401);
    expect(bare.headers.get("www-authenticate")).toStartWith("Basic ");
    for (const authorization of ["Bearer x", "Basic", "Basic !!", `Basic ${btoa("nocolon")}`])
      expect((await fetch(url, { headers: { authorization } })).status).toBe(404);
  });

  test("GB-23 passes no header of the client on, and only its own back", async () => {
    const reply = await ask(`${run.url}/info/refs?service=git-upload-pack`, {
      headers: {
        authorization: basic(run.token),
        cookie: "a=b",
        "proxy-authorization": "Basic eDp5",
        "x-forwarded-for": "10.0.0.1",
        "git-protocol": "version=2\tevil; $(id)",
      },
    });
    expect(reply.status).toBe(200);
    // The port has no place for headers; the one value that crosses is a checked protocol version.
    expect(broker.upstreamCalls).toEqual([
      { service: "git-upload-pack advertise", bytes: 0, protocol: undefined },
    ]);
    expect([...reply.headers.keys()].sort()).toEqual([
      "cache-control",
      "content-type",
      "date",
      "transfer-encoding",
    ]);
  });
});
