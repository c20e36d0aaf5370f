import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";

/** The script with a server that fails now and then; e2e/runner-autoscaler.test.ts has real runners. */
const TEST_MS_MAX = 60_000;
const SCRIPT = join(import.meta.dir, "autoscale.sh");

interface StandInRunner {
  id: number;
  name: string;
  state: "live" | "revoked";
  held: number;
}

let dir: TempDir;
let server: Bun.Server<undefined>;
let queued: number;
let runners: StandInRunner[];
let minted: number;
/** Answers with 503 to so many of the next requests of a kind. */
let failing: Record<"mint" | "revoke", number>;
let script: Bun.Subprocess | undefined;

beforeEach(() => {
  dir = tempDir();
  queued = 1;
  runners = [];
  minted = 0;
  failing = { mint: 0, revoke: 0 };
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: async (request) => answer(request) });
});
afterEach(async () => {
  script?.kill("SIGTERM");
  await script?.exited;
  await server.stop(true);
  dir.remove();
});

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const away = (what: keyof typeof failing) => failing[what]-- > 0 && new Response("away", { status: 503 });
  if (pathname === "/joined") {
    runners.push({ id: runners.length + 1, name: await request.text(), state: "live", held: 0 });
    queued = 0;
    return new Response();
  }
  if (pathname === "/api/v1/admin/pools")
    return Response.json({ pools: [{ id: 7, name: "elastic", labels: [] }] });
  if (pathname === "/api/v1/admin/diagnostics/runner-pools")
    return Response.json({
      pools: [
        {
          pool: "elastic",
          max_running: 10,
          running: 0,
          queued_by_labels: queued === 0 ? [] : [{ labels: [], queued }],
          runners,
        },
      ],
    });
  if (pathname === "/api/v1/admin/pools/7/registration-tokens")
    return away("mint") || Response.json({ id: ++minted, token: `wsrt_${minted}` });
  const id = Number(/^\/api\/v1\/admin\/runners\/(\d+)\/revoke$/.exec(pathname)?.[1]);
  const runner = runners.find((one) => one.id === id);
  if (runner === undefined) return new Response("unknown", { status: 404 });
  const refused = away("revoke");
  if (refused) return refused;
  runner.state = "revoked";
  return Response.json(runner);
}

/** Starts it with a stand-in for the runner, which joins and has done its job at once. */
function start(env: Record<string, string> = {}): void {
  const runner = join(dir.path, "runner.sh");
  writeFileSync(runner, `curl --silent --data "$WSRUNNER_NAME" http://127.0.0.1:${server.port}/joined\n`);
  writeFileSync(join(dir.path, "token"), "wst_stand_in\n");
  script = Bun.spawn(["sh", SCRIPT], {
    env: {
      PATH: process.env.PATH ?? "",
      TMPDIR: dir.path,
      WINDSHIFT_URL: `http://127.0.0.1:${server.port}`,
      WINDSHIFT_TOKEN_FILE: join(dir.path, "token"),
      POOL: "elastic",
      RUNNERS_MAX: "1",
      INTERVAL_S: "0.1",
      PAUSE_S: "0.1",
      START: `sh ${runner}`,
      ...env,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}

const allRevoked = () => runners.length > 0 && runners.every(({ state }) => state === "revoked");

test(
  "a server that gives no token for a moment costs no place: the next look starts the runner",
  async () => {
    failing.mint = 3;
    start();
    await eventually("the one runner has come and gone", allRevoked, TEST_MS_MAX);
    expect([minted, runners.length]).toEqual([1, 1]);
  },
  TEST_MS_MAX,
);

test(
  "a runner whose revocation fails is revoked all the same, and its place is free afterwards",
  async () => {
    failing.revoke = 3;
    start();
    await eventually("the first has come and gone", allRevoked, TEST_MS_MAX);
    queued = 1;
    await eventually("so has the second", () => runners.length === 2 && allRevoked(), TEST_MS_MAX);
    script?.kill("SIGTERM");
    expect(await script?.exited).toBe(0);
    expect(readdirSync(dir.path).filter((name) => name.startsWith("autoscale."))).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "a runner that fails gives its place back, and a runner of another autoscaler is left alone",
  async () => {
    runners.push({ id: 1, name: "once-1-1", state: "live", held: 5 });
    start({ START: "false" });
    await eventually("it is tried again and again", () => minted > 2, TEST_MS_MAX);
    expect(runners).toEqual([{ id: 1, name: "once-1-1", state: "live", held: 5 }]);
  },
  TEST_MS_MAX,
);
