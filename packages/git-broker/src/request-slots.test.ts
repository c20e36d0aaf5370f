import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "@windshift/testing/eventually.ts";
import { authorization, type BrokerFixture, type RunGrant, startBroker } from "./broker-fixture.ts";
import { pktLine } from "./pkt-line.ts";
import { GIT_REQUESTS_MAX, GIT_REQUESTS_OF_RUN_MAX, RequestSlots } from "./request-slots.ts";

let broker: BrokerFixture;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.stop());

function list(run: RunGrant): Promise<Response> {
  return fetch(`${run.url}/info/refs?service=git-upload-pack`, {
    headers: { authorization: authorization(run.token) },
  });
}

async function statusOf(reply: Promise<Response>): Promise<number> {
  const { status, body } = await reply;
  await body?.cancel();
  return status;
}

/** A push that stops in the middle of its commands, so that no git is started for it. */
function halfPush(run: RunGrant, signal: AbortSignal): Promise<number> {
  const commands = pktLine(`${"0".repeat(40)} ${"a".repeat(40)} ${run.ref}\0report-status`);
  const reply = fetch(`${run.url}/git-receive-pack`, {
    method: "POST",
    headers: {
      authorization: authorization(run.token),
      "content-type": "application/x-git-receive-pack-request",
    },
    body: new ReadableStream({ start: (controller) => controller.enqueue(commands.subarray(0, 20)) }),
    signal,
  });
  return statusOf(reply).catch(() => 0);
}

test("a server serves 128 git requests at once, whoever sends them, and one more when one is done", async () => {
  const first = broker.grant(1);
  const runs = Array.from({ length: GIT_REQUESTS_MAX / GIT_REQUESTS_OF_RUN_MAX - 1 }, (_, index) =>
    broker.grant(2 + index),
  );
  const other = broker.grant(900);
  const leaving = new AbortController();
  const others = new AbortController();
  const open = runs.flatMap((run) =>
    Array.from({ length: GIT_REQUESTS_OF_RUN_MAX }, () => halfPush(run, others.signal)),
  );
  expect(await statusOf(list(other))).toBe(200);
  for (let i = 1; i < GIT_REQUESTS_OF_RUN_MAX; i++) open.push(halfPush(first, others.signal));
  open.push(halfPush(first, leaving.signal));
  await eventually("the server is full", async () => (await statusOf(list(other))) === 503);
  const full = await list(other);
  expect(full.headers.get("retry-after")).toBe("5");
  expect(await full.text()).toBe("too many git requests at once; try again soon\n");
  expect(await halfPush(other, others.signal)).toBe(503);
  // A run that has its share is told so, and not that the server is full.
  expect(await statusOf(list(first))).toBe(429);
  expect(broker.upstreamCalls.filter(({ service }) => service.includes("receive"))).toEqual([]);

  leaving.abort();
  await eventually("there is room for one", async () => (await statusOf(list(other))) === 200);
  others.abort();
  await Promise.all(open);
  const all = () => Promise.all([...runs, other].map((run) => statusOf(list(run))));
  await eventually("all are served again", async () => (await all()).every((status) => status === 200));
}, 60_000);

test("a run that half-sends many pushes gets eight of them and leaves room for others", async () => {
  const run = broker.grant(800);
  const leaving = new AbortController();
  const statuses: number[] = [];
  const half = () =>
    fetch(`${run.url}/git-receive-pack`, {
      method: "POST",
      headers: {
        authorization: authorization(run.token),
        "content-type": "application/x-git-receive-pack-request",
      },
      body: new ReadableStream({
        start: (controller) => controller.enqueue(commandsOf(run)),
      }),
      signal: leaving.signal,
    }).then(
      (reply) => statuses.push(reply.status),
      () => undefined,
    );
  const ended = Promise.all(Array.from({ length: 40 }, half));
  await eventually("most are refused", async () => statuses.length === 40 - GIT_REQUESTS_OF_RUN_MAX);
  expect(new Set(statuses)).toEqual(new Set([429]));
  const other = broker.grant(7_000);
  expect(await statusOf(list(run))).toBe(429);
  expect(await statusOf(list(other))).toBe(200);
  leaving.abort();
  await ended;
  await eventually("the places are free again", async () => (await statusOf(list(run))) === 200);
  for (let i = 0; i < 3 * GIT_REQUESTS_OF_RUN_MAX; i++) expect(await statusOf(list(run))).toBe(200);
}, 30_000);

/** All of a push but its pack, so that a git of the upstream waits for that. */
function commandsOf(run: RunGrant): Uint8Array {
  return Buffer.concat([
    pktLine(`${"0".repeat(40)} ${"a".repeat(40)} ${run.ref}\0report-status`),
    Buffer.from("0000PACK"),
  ]);
}

test("a client that stops reading its answer gives its place back, and what makes the answer is let go", async () => {
  const slots = new RequestSlots(50);
  const asked = { run: 1, streams: true, signal: new AbortController().signal };
  let made = 0;
  let left = 0;
  const endless = async () => {
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      made++;
      controller.enqueue(new Uint8Array(1_000));
    };
    const cancel = () => void left++;
    return new Response(new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 }));
  };
  const readers = [];
  for (let at = 0; at < GIT_REQUESTS_OF_RUN_MAX; at++) {
    const reader = (await slots.serve(asked, endless)).body?.getReader();
    await reader?.read();
    readers.push(reader);
  }
  expect(made).toBe(GIT_REQUESTS_OF_RUN_MAX);
  await eventually("all are let go", () => left === GIT_REQUESTS_OF_RUN_MAX);
  await expect(readers[0]?.read()).rejects.toThrow("stopped reading");
  expect((await slots.serve(asked, endless)).status).toBe(200);
});
