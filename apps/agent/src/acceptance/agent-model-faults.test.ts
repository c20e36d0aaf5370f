import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { type FixtureOpts, type FixtureResponse, LLMock } from "@copilotkit/aimock";
import { PARTITION_MS_MAX } from "@windshift/contract/limits.ts";
import { TestCheckout } from "../testing/agent-process.ts";
import {
  answerOf,
  httpChunk,
  LAST_CHUNK,
  type RawAnswer,
  RawModel,
  sse,
  streamHead,
} from "../testing/raw-model.ts";
import { RECORDED_STREAM } from "../testing/recorded-reply.ts";
import { runSessionOf, type SessionRun } from "../testing/session-run.ts";

const FINISH = { toolCalls: [{ name: "finish", arguments: '{"outcome":"completed","summary":"all done"}' }] };
const LONG = "text that is long enough to come in several chunks, so that a stream can be cut within";

/** A run against a model whose first answer is disturbed and whose others finish. */
async function runAfter(
  first: FixtureResponse,
  opts: FixtureOpts | undefined,
  stream: boolean,
): Promise<{ run: SessionRun; requests: string[] }> {
  using checkout = await TestCheckout.create();
  const mock = new LLMock({ port: 0 });
  mock.on({ predicate: () => mock.getRequests().length === 0 }, first, opts);
  mock.on({ predicate: () => true }, FINISH);
  const url = await mock.start();
  try {
    const run = await runSessionOf(url, { checkout: checkout.dir, home: checkout.home }, { stream });
    return { run, requests: mock.getRequests().map((request) => JSON.stringify(request.body)) };
  } finally {
    await mock.stop();
  }
}

/** @param heard told of the type of each event as it is written */
async function runAgainst(
  answer: RawAnswer,
  heard: (type: string) => void = () => {},
): Promise<{ run: SessionRun; requests: number }> {
  using checkout = await TestCheckout.create();
  await using model = await RawModel.start(answer);
  const place = { checkout: checkout.dir, home: checkout.home };
  const run = await runSessionOf(model.url, place, {}, (line) => heard(JSON.parse(line).type));
  return { run, requests: model.requests };
}

describe.each([true, false])("streamed %p", (stream) => {
  for (const [fault, opts, why] of [
    ["a request the server drops", { chaos: { dropRate: 1 } }, "500 chaos_drop"],
    ["a reply that is no JSON", { chaos: { malformedRate: 1 } }, "{malformed json"],
    ["a connection that is cut", { chaos: { disconnectRate: 1 } }, "closed"],
    ["a rate limit", { chaos: { rateLimitRate: 1 } }, "429 chaos_ratelimit"],
  ] as const)
    test(`${fault} is tried again, and the run finishes`, async () => {
      const { run, requests } = await runAfter({ content: LONG }, opts, stream);
      expect(run.list("retry")).toMatchObject([{ attempt: 1, why: expect.stringContaining(why) }]);
      expect(run.list("finish")).toMatchObject([{ outcome: "completed" }]);
      expect(requests).toHaveLength(2);
      expect(requests[1]).toBe(requests[0] ?? "");
    });

  test("a slow reply is waited for", async () => {
    const { run } = await runAfter(FINISH, { chaos: { latencyMs: 300 } }, stream);
    expect(run.list("retry")).toEqual([]);
    expect(run.exitCode).toBe(0);
  });

  test("a tool that does not exist is answered with those that do", async () => {
    const { run, requests } = await runAfter(
      { toolCalls: [{ name: "make_coffee", arguments: "{}" }] },
      undefined,
      stream,
    );
    expect(run.list("tool_done")[0]?.output).toContain("there is no tool");
    expect(requests[1]).toContain("there is no tool");
    expect(run.exitCode).toBe(0);
  });

  test("arguments of the wrong type are answered with what to write", async () => {
    const first = { toolCalls: [{ name: "bash", arguments: '{"command":["ls"]}' }] };
    const { run } = await runAfter(first, undefined, stream);
    expect(run.list("tool_done")[0]?.output).toContain("`command` must be");
    expect(run.exitCode).toBe(0);
  });

  test("a reply of nothing is asked to go on", async () => {
    const { run, requests } = await runAfter({ content: "" }, undefined, stream);
    expect(run.list("retry")).toEqual([]);
    expect(requests[1]).toContain("without calling the finish tool");
    expect(run.exitCode).toBe(0);
  });
});

for (const [how, cut] of [
  ["closed", (socket: Socket) => socket.destroy()],
  ["reset", (socket: Socket) => socket.resetAndDestroy()],
] as const)
  test(`a stream whose connection is ${how} in the middle is tried again, and its text is taken back`, async () => {
    let first: Socket | undefined;
    const requests: string[] = [];
    const { run } = await runAgainst(
      (socket, { body, count }) => {
        requests.push(body);
        const said = count === 1 ? sse({ choices: [{ delta: { content: LONG } }] }) : RECORDED_STREAM;
        socket.write(Buffer.concat([streamHead(), httpChunk(said), ...(count === 1 ? [] : [LAST_CHUNK])]));
        first ??= socket;
      },
      // Only once the text was told: what is cut before that was never said.
      (type) => {
        if (type === "content" && requests.length === 1 && first !== undefined) cut(first);
      },
    );
    const types = run.events.map((event) => event.type);
    expect(types.slice(types.indexOf("content")).slice(0, 2)).toEqual(["content", "retry"]);
    expect(run.list("retry")[0]?.why).toContain("what the model said in this try does not count");
    expect(requests).toHaveLength(2);
    expect(requests[1]).toBe(requests[0] ?? "");
    expect(run.exitCode).toBe(0);
  });

/** A model that is gone after its first answer, or in the middle of it, until `retries` of the agent were in vain. */
async function runWhileAway(retries: number, gone: "after" | "within" = "after"): Promise<SessionRun> {
  using checkout = await TestCheckout.create();
  const before = ["bash", `{"command":"true"}`] as const;
  const after = ["finish", `{"outcome":"completed","summary":"all done"}`] as const;
  const serve = (port: number, [name, text]: readonly [string, string], onRequest = () => {}) => {
    const message = { tool_calls: [{ id: name, function: { name, arguments: text } }] };
    const fetch = async () => {
      onRequest();
      return Response.json({ choices: [{ message }] });
    };
    return Bun.serve({ port, hostname: "127.0.0.1", fetch });
  };
  let isGone = false;
  let inVain = 0;
  const leave = () => {
    if (isGone) return;
    isGone = true;
    void server.stop(true);
  };
  let server = serve(0, before, gone === "within" ? leave : undefined);
  const { port = 0 } = server;
  try {
    const place = { checkout: checkout.dir, home: checkout.home };
    return await runSessionOf(`http://127.0.0.1:${port}`, place, { stream: false }, (line) => {
      const { type } = JSON.parse(line);
      if (type === "usage") leave();
      if (type === "retry" && ++inVain === retries) server = serve(port, after);
    });
  } finally {
    await server.stop(true);
  }
}

const waited = (run: SessionRun) => run.list("retry").reduce((sum, { wait_ms }) => sum + wait_ms, 0);

for (const [gone, when] of [
  ["after", "that answered before"],
  ["within", "that is cut off in the middle of its first answer"],
] as const)
  test(`F02 a server ${when} and is started again is waited for, however many tries that takes`, async () => {
    const run = await runWhileAway(8, gone);
    expect(run.list("retry").length).toBeGreaterThanOrEqual(8);
    expect(run.list("retry").at(-1)?.why).toContain("cannot reach the model API");
    expect(run.list("usage")).toHaveLength(gone === "after" ? 2 : 1);
    expect(run.list("finish")).toMatchObject([{ outcome: "completed" }]);
    expect(run.exitCode).toBe(0);
  });

test("one that stays away ends the run once the runner would; one that never answered much sooner", async () => {
  const gone = await runWhileAway(Number.POSITIVE_INFINITY);
  expect([gone.exitCode, gone.list("error")[0]?.code]).toEqual([69, "api_unreachable"]);
  // What the tries took counts too.
  expect(waited(gone)).toBeGreaterThan(PARTITION_MS_MAX - 20_000);
  expect(waited(gone)).toBeLessThan(PARTITION_MS_MAX + 20_000);
  using checkout = await TestCheckout.create();
  const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const url = `http://127.0.0.1:${closed.port}`;
  await closed.stop(true);
  const never = await runSessionOf(url, { checkout: checkout.dir, home: checkout.home });
  expect([never.exitCode, never.list("error")[0]?.code]).toEqual([69, "api_unreachable"]);
  expect(waited(never)).toBeGreaterThan(2_000);
  expect(waited(never)).toBeLessThan(10_000);
});

/** A reply that begins to speak and then holds an error, and after that a whole one. */
const brokenOffWith =
  (error: object): RawAnswer =>
  (socket, { count }) => {
    const body =
      count === 1 ? sse({ choices: [{ delta: { content: "I" } }] }) + sse({ error }) : RECORDED_STREAM;
    socket.write(Buffer.concat([streamHead(), httpChunk(body), LAST_CHUNK]));
  };

test("an error of the provider in the middle of a stream is tried again", async () => {
  const { run } = await runAgainst(brokenOffWith({ code: 502, message: "upstream died" }));
  expect(run.list("retry")).toMatchObject([{ why: expect.stringContaining("upstream died") }]);
  expect(run.exitCode).toBe(0);
});

for (const code of ["budget_exhausted", "lease_lost", "run_ended"])
  test(`the broker's ${code} in the middle of a stream ends the run at once`, async () => {
    const { run, requests } = await runAgainst(brokenOffWith({ code, message: "no more" }));
    expect(run.list("error")).toMatchObject([{ code }]);
    expect(run.list("retry")).toEqual([]);
    expect(requests).toBe(1);
  });

for (const [status, says] of [
  [400, "400"],
  [401, "LLM_API_KEY"],
  [403, "what the key may do"],
  [404, "check LLM_MODEL"],
  [307, "redirects are not followed"],
] as const)
  test(`an answer of ${status} ends the run at once and says what to check`, async () => {
    const { run, requests } = await runAgainst(
      (socket) => void socket.write(answerOf("no", "text/plain", status)),
    );
    expect(run.list("error")[0]?.message).toContain(says);
    expect(requests).toBe(1);
  });

test("the provider's own 409, passed on by the broker, is tried again", async () => {
  const conflict = JSON.stringify({
    error: { code: "conflict", message: "The model provider answered 409." },
  });
  const { run } = await runAgainst((socket, { count }) => {
    if (count === 1) socket.write(answerOf(conflict, "application/json", 409));
    else socket.write(Buffer.concat([streamHead(), httpChunk(RECORDED_STREAM), LAST_CHUNK]));
  });
  expect(run.list("retry")).toHaveLength(1);
  expect(run.exitCode).toBe(0);
});

test("a reply of wrong types everywhere is tried again three times, and ends the run with a reason", async () => {
  const { run, requests } = await runAgainst(
    (socket) => void socket.write(answerOf('{"choices":{"message":[]}}')),
  );
  expect(requests).toBe(3);
  expect(run.list("retry").map((event) => event.attempt)).toEqual([1, 2]);
  expect(run.list("error")[0]?.message).toContain("not a completion");
});

test("a document where a stream was asked for, and a stream where none was, are read", async () => {
  const document = JSON.stringify({
    choices: [{ message: { tool_calls: [{ function: FINISH.toolCalls[0] }] } }],
  });
  const { run } = await runAgainst((socket) => void socket.write(answerOf(document)));
  expect({ exitCode: run.exitCode, tries: run.list("retry") }).toEqual({ exitCode: 0, tries: [] });
  using checkout = await TestCheckout.create();
  await using model = await RawModel.start(
    (socket) => void socket.write(answerOf(RECORDED_STREAM, "text/event-stream")),
  );
  const place = { checkout: checkout.dir, home: checkout.home };
  expect((await runSessionOf(model.url, place, { stream: false })).exitCode).toBe(0);
});
