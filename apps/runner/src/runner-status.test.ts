import { afterEach, expect, test } from "bun:test";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { readRunnerSettings } from "./config.ts";
import { SPOOL_AGE_MS_MAX } from "./host-hygiene.ts";
import { runRunner } from "./runner.ts";

const CREDENTIAL = `wsrc_${"c".repeat(43)}`;
const TEST_MS_MAX = 30_000;
let stop: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** A runner whose server has nothing to do, and answers as `reply` says. */
async function startIdle(
  root: TempDir,
  over: Record<string, string> = {},
  reply = () => Response.json({ job: null }),
) {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => reply() });
  const read = readRunnerSettings({
    WS_API_URL: `http://127.0.0.1:${server.port}/api`,
    WSRUNNER_ALLOW_INSECURE: "1",
    WSRUNNER_CREDENTIAL: CREDENTIAL,
    WSRUNNER_IMAGE: "windshift/agent:local",
    WSRUNNER_CACHE_ROOT: root.path,
    WSRUNNER_CAPACITY: "3",
    WSRUNNER_POLL_INTERVAL: "100ms",
    WSRUNNER_METRICS_PORT: "0",
    ...over,
  });
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const drain = new AbortController();
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = [];
  const write = (message: string, fields?: Record<string, unknown>) => void lines.push({ message, fields });
  const log = { info: write, warn: write, error: write };
  const options = { settings: read.settings, env: process.env, triage: ["windshift-triage"], log };
  const ended = runRunner(options, { drain: drain.signal, cancel: drain.signal });
  stop = async () => {
    drain.abort();
    await ended.catch(() => undefined);
    await server.stop(true);
  };
  const port = await eventually("figures are served", () => {
    const line = lines.find(({ message }) => message === "figures and health are served");
    return line?.fields?.port as number | undefined;
  });
  return { lines, url: `http://127.0.0.1:${port}` };
}

async function figure(url: string, line: RegExp): Promise<number | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = text.split("\n").find((one) => line.test(one));
  return found === undefined ? undefined : Number(found.split(" ").at(-1));
}

test(
  "a runner tells its health and its figures, and no secret",
  async () => {
    using root = tempDir();
    const { url } = await startIdle(root);
    await eventually(
      "a claim has ended",
      async () => ((await figure(url, /^windshift_runner_claims_total\{result="none"\}/)) ?? 0) > 0,
    );
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const reply = await fetch(`${url}/metrics`);
    expect(reply.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    const text = await reply.text();
    expect(text).toContain("windshift_runner_capacity 3\n");
    expect(text).toContain("windshift_runner_held 0\n");
    expect(text).toContain("windshift_runner_draining 0\n");
    expect(text).toContain('windshift_runner_heartbeats_total{result="failed"} 0\n');
    expect(text).toContain("windshift_runner_spool_bytes 0\n");
    expect(text).not.toContain(CREDENTIAL);
    expect(text).not.toContain(root.path);
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: "POST", body: "x" })).status).not.toBe(200);
  },
  TEST_MS_MAX,
);

test(
  "claims that fail are counted, and the host is well all the same",
  async () => {
    using root = tempDir();
    const { url } = await startIdle(root, {}, () => new Response("away", { status: 503 }));
    await eventually(
      "a claim has failed",
      async () => ((await figure(url, /^windshift_runner_claims_total\{result="failed"\}/)) ?? 0) > 0,
    );
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  },
  TEST_MS_MAX,
);

test(
  "what an attempt left in the spool is counted, and thrown away when it is too old",
  async () => {
    using root = tempDir();
    const keep = async (name: string, ageMs: number) => {
      const dir = join(root.path, "spool", name);
      await mkdir(dir, { recursive: true });
      const [run, attempt] = name.split("-").map(Number);
      await writeFile(join(dir, "attempt.json"), JSON.stringify({ run, attempt, boot: "0".repeat(32) }));
      await writeFile(join(dir, "filling"), "x".repeat(10_000));
      const begun = new Date(Date.now() - ageMs);
      await utimes(join(dir, "attempt.json"), begun, begun);
      return dir;
    };
    const old = await keep("1-1", SPOOL_AGE_MS_MAX + 60_000);
    const young = await keep("2-1", 60_000);
    // A result that no server takes stays; the old one goes although it was not delivered either.
    for (const dir of [old, young])
      await writeFile(
        join(dir, "result.json"),
        JSON.stringify({
          attempt: 1,
          isolation: "container",
          outcome: null,
          summary: "",
          failure: null,
          base_oid: null,
          head_oid: null,
          exit_code: null,
        }),
      );
    const { url, lines } = await startIdle(root, {}, () => new Response("away", { status: 503 }));
    const dropped = await eventually("the old one is dropped", () =>
      lines.find(({ message }) => message.includes("too old now")),
    );
    expect(dropped.fields).toEqual({ dropped: ["1-1"] });
    expect(await Bun.file(join(young, "filling")).exists()).toBe(true);
    expect(await Bun.file(join(old, "filling")).exists()).toBe(false);
    expect(await figure(url, /^windshift_runner_spool_bytes /)).toBeGreaterThan(10_000);
  },
  TEST_MS_MAX,
);

test(
  "a metrics port that is taken is named, with what to set",
  async () => {
    using root = tempDir();
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    try {
      const read = readRunnerSettings({
        WS_API_URL: "http://127.0.0.1:1/api",
        WSRUNNER_ALLOW_INSECURE: "1",
        WSRUNNER_CREDENTIAL: CREDENTIAL,
        WSRUNNER_IMAGE: "windshift/agent:local",
        WSRUNNER_CACHE_ROOT: root.path,
        WSRUNNER_METRICS_PORT: `${taken.port}`,
      });
      if (read.kind === "problems") throw new Error("bad settings");
      const never = new AbortController().signal;
      const log = { info() {}, warn() {}, error() {} };
      const options = { settings: read.settings, env: process.env, triage: ["x"], log };
      await expect(runRunner(options, { drain: never, cancel: never })).rejects.toThrow(
        /WSRUNNER_METRICS_PORT: cannot listen on 127\.0\.0\.1:\d+/,
      );
    } finally {
      taken.stop(true);
    }
  },
  TEST_MS_MAX,
);
