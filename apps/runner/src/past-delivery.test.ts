import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { credentialOf, startRunnerProgram } from "./runner-program.fixture.ts";

/** The real program, started; on a loaded machine it takes its time, ms. */
const TEST_MS_MAX = 60_000;
const EARLIER = "0".repeat(32);
const RESULT = {
  attempt: 1,
  isolation: "container",
  outcome: "completed",
  summary: "done before the power went",
  failure: null,
  base_oid: null,
  head_oid: null,
  exit_code: 0,
};

let dir: TempDir;
let server: Bun.Server<undefined>;
/** What was asked, with the start it was asked for where that is said. */
let asked: { path: string; boot: string | null }[];
let answer: (path: string) => Response;
let program: ReturnType<typeof startRunnerProgram> | undefined;

beforeEach(() => {
  dir = tempDir();
  asked = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const path = new URL(request.url).pathname;
      asked.push({ path, boot: request.headers.get("x-windshift-boot") });
      return answer(path);
    },
  });
  // An attempt that an earlier start had done, and could not report.
  const spool = join(dir.path, "spool", "7-1");
  mkdirSync(spool, { recursive: true });
  writeFileSync(join(spool, "attempt.json"), JSON.stringify({ run: 7, attempt: 1, boot: EARLIER }));
  writeFileSync(join(spool, "result.json"), JSON.stringify(RESULT));
  writeFileSync(join(dir.path, "instance"), "0123456789ab\n");
});
afterEach(async () => {
  program?.child.kill("SIGTERM");
  await program?.ended();
  await server.stop(true);
  dir.remove();
});

function start() {
  program = startRunnerProgram({
    root: dir.path,
    apiUrl: `http://127.0.0.1:${server.port}/api`,
    env: {
      WSRUNNER_ALLOW_INSECURE: "1",
      WSRUNNER_CREDENTIAL: credentialOf("p"),
      WSRUNNER_SANDBOX: "unsandboxed",
      WSRUNNER_ALLOW_UNSANDBOXED: "1",
    },
  });
  return program;
}

const AWAY = () => new Response("away", { status: 503 });
const claims = () => asked.filter(({ path }) => path === "/api/runner/claim");

/** As a server that has all it needs. */
function well(path: string): Response {
  if (path === "/api/runner/whoami")
    return Response.json({ name: "h", instance_id: "0123456789ab", pool: "p", drain: false, alert: null });
  return path.endsWith("/result") ? Response.json({ status: "accepted" }) : Response.json({ job: null });
}

test(
  "F05 what an earlier start had done is delivered before this one speaks for itself, however long the server is away",
  async () => {
    answer = AWAY;
    start();
    await eventually("it has asked for a while", () => asked.length > 4, TEST_MS_MAX);
    expect(claims()).toEqual([]);
    answer = well;
    await eventually("it asks for work", () => claims().length > 0, TEST_MS_MAX);
    const taken = asked.findLastIndex(({ path }) => path === "/api/runner/runs/7/result");
    expect(asked[taken]?.boot).toBe(EARLIER);
    expect(taken).toBeLessThan(asked.findIndex(({ path }) => path === "/api/runner/claim"));
  },
  TEST_MS_MAX,
);

test(
  "F05 a server that goes away again in the middle of it is waited for again",
  async () => {
    let looks = 0;
    answer = (path) => {
      const isLook = path === "/api/runner/whoami";
      if (isLook) looks++;
      // Back for a moment, and then for good.
      return looks > 2 || (looks === 1 && isLook) ? well(path) : AWAY();
    };
    start();
    await eventually("it asks for work", () => claims().length > 0, TEST_MS_MAX);
    const results = asked.filter(({ path }) => path === "/api/runner/runs/7/result");
    expect(results.map(({ boot }) => boot)).toEqual([EARLIER, EARLIER, EARLIER]);
    const before = asked.slice(
      0,
      asked.findIndex(({ path }) => path === "/api/runner/claim"),
    );
    expect(before.filter((one) => results.includes(one))).toHaveLength(3);
  },
  TEST_MS_MAX,
);

test(
  "a server that is there and does not take it is not waited for",
  async () => {
    answer = (path) => (path.endsWith("/result") ? AWAY() : well(path));
    start();
    await eventually("it asks for work", () => claims().length > 0, TEST_MS_MAX);
  },
  TEST_MS_MAX,
);

test(
  "a host that waits for the server says why, and ends when it is told to",
  async () => {
    answer = AWAY;
    const { child, ended } = start();
    await eventually("it waits", () => asked.length > 2, TEST_MS_MAX);
    child.kill("SIGTERM");
    const { exit, said } = await ended();
    expect(exit).toBe(0);
    const line = said.split("\n").find((one) => one.includes("the server is away"));
    expect(line).toContain("answers with status 503");
    expect(claims()).toEqual([]);
  },
  TEST_MS_MAX,
);
