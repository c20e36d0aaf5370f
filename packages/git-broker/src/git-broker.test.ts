import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { authorization, type BrokerFixture, forget, type RunGrant, startBroker } from "./broker-fixture.ts";

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

const ask = (url: string, init: RequestInit = {}) =>
  fetch(url, { headers: { authorization: authorization(run.token) }, ...init });

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
    for (const method of ["GET", "POST"]) expect((await ask(run.url + suffix, { method })).status).toBe(404);
    expect(broker.upstreamCalls).toEqual([]);
  });

test("GB-18 an address takes each service with its own method only", async () => {
  expect((await ask(`${run.url}/git-receive-pack`)).status).toBe(404);
  expect((await ask(`${run.url}/info/refs?service=git-upload-pack`, { method: "POST" })).status).toBe(404);
});

test("GB-19 an address of another run, repository, owner or with another token answers like an unknown one", async () => {
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
      headers: { authorization: authorization(token) },
    });
    const headers = [...reply.headers].filter(([name]) => name !== "date");
    answers.push({ status: reply.status, body: await reply.text(), headers });
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]?.status).toBe(404);
  expect(broker.upstreamCalls).toEqual([]);
});

test("the broker asks for credentials only when none came", async () => {
  const url = `${run.url}/info/refs?service=git-upload-pack`;
  const bare = await fetch(url);
  expect(bare.status).toBe(401);
  expect(bare.headers.get("www-authenticate")).toStartWith("Basic ");
  for (const authorization of ["Bearer x", "Basic", "Basic !!", `Basic ${btoa("nocolon")}`])
    expect((await fetch(url, { headers: { authorization } })).status).toBe(404);
});

test("GB-23 the broker passes no header of the client on, and only its own back", async () => {
  const reply = await ask(`${run.url}/info/refs?service=git-upload-pack`, {
    headers: {
      authorization: authorization(run.token),
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
    "content-length",
    "content-type",
    "date",
  ]);
});

test("a run that may push nothing may fetch; each way to push is refused before the upstream hears of it", async () => {
  run = broker.grant(800, { mayPush: false });
  expect((await ask(`${run.url}/info/refs?service=git-upload-pack`)).status).toBe(200);
  forget(broker);
  const tries = [
    await ask(`${run.url}/info/refs?service=git-receive-pack`),
    await ask(`${run.url}/git-receive-pack`, {
      method: "POST",
      headers: {
        authorization: authorization(run.token),
        "content-type": "application/x-git-receive-pack-request",
      },
      body: "0000",
    }),
  ];
  for (const reply of tries) {
    expect(reply.status).toBe(403);
    expect(await reply.text()).toContain("this run may push nothing");
  }
  expect(broker.upstreamCalls).toEqual([]);
  expect(broker.refusals.map(({ runId, why }) => [runId, why])).toEqual(
    tries.map(() => [run.runId, "this run may push nothing: it is a test run"]),
  );
});
