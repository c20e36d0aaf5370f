import { expect, test } from "bun:test";
import { AppError, errorBody } from "@windshift/contract/app-error.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { buildJob } from "@windshift/testing/jobs.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { readRunnerSettings } from "./config.ts";
import { runRunner } from "./runner.ts";
import { credentialOf } from "./runner-program.fixture.ts";

const TEST_MS_MAX = 30_000;
type Request = "claim" | "heartbeat" | "notices" | "events";
type Answer = () => Response | Promise<Response>;

/** A host with one place, and a server that has one job for it, whose checkout never comes to an end. */
async function fullHost(root: TempDir, over: Partial<Record<Request, Answer>>) {
  const job = buildJob();
  const asked: Request[] = [];
  const waiting = new AbortController();
  const held = () =>
    new Promise<Response>((resolve) => {
      waiting.signal.addEventListener("abort", () => resolve(Response.json({ news: [] })));
    });
  const answers: Record<Request, Answer> = {
    claim: () => Response.json({ job }),
    heartbeat: () => Response.json({ abort: [], queue_depth: 0, drain: false }),
    notices: held,
    events: () => Response.json({ acked_seq: 1 }),
    ...over,
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      const what = new URL(request.url).pathname.split("/").at(-1) as Request;
      asked.push(what);
      return answers[what]();
    },
  });
  await Bun.write(`${root.path}/instance`, "0123456789ab\n");
  const read = readRunnerSettings({
    WS_API_URL: `http://127.0.0.1:${server.port}/api`,
    WSRUNNER_ALLOW_INSECURE: "1",
    WSRUNNER_CREDENTIAL: credentialOf("c"),
    WSRUNNER_SANDBOX: "unsandboxed",
    WSRUNNER_ALLOW_UNSANDBOXED: "1",
    WSRUNNER_IMAGE: "windshift/agent:local",
    WSRUNNER_CACHE_ROOT: root.path,
    WSRUNNER_CAPACITY: "1",
    WSRUNNER_HEARTBEAT_INTERVAL: "1s",
    WSRUNNER_METRICS_PORT: "0",
  });
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const cancel = new AbortController();
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = [];
  const write = (message: string, fields?: Record<string, unknown>) => void lines.push({ message, fields });
  const log = { info: write, warn: write, error: write };
  const triage = ["sh", "-c", "exec sleep 600"];
  const options = { settings: read.settings, env: process.env, triage, log };
  const ended = runRunner(options, { drain: cancel.signal, cancel: cancel.signal }).then(
    () => undefined,
    (error: unknown) => error,
  );
  const stop = async () => {
    cancel.abort();
    await ended;
    waiting.abort();
    await server.stop(true);
  };
  return { asked, ended, lines, stop };
}

function refusal(code: AppError["code"]): Answer {
  const error = new AppError(code, "this host is not wanted");
  return () => Response.json(errorBody(error), { status: error.status });
}

test.each([
  ["heartbeat", "superseded"],
  ["heartbeat", "unauthenticated"],
  ["notices", "unauthenticated"],
  ["events", "forbidden"],
  ["events", "superseded"],
] as const)(
  "a host with no free place hears from its %s that it is %s: its job and the program end",
  async (request, code) => {
    using root = tempDir();
    const host = await fullHost(root, { [request]: refusal(code) });
    try {
      expect(await host.ended).toMatchObject({ code, message: "this host is not wanted" });
      expect(host.asked.filter((one) => one === "claim")).toHaveLength(1);
      expect(host.lines.filter(({ message }) => message === "job ended")).toHaveLength(1);
    } finally {
      await host.stop();
    }
  },
  TEST_MS_MAX,
);

test(
  "that an administrator asked to take no more is a figure",
  async () => {
    using root = tempDir();
    const heartbeat = () => Response.json({ abort: [], queue_depth: 0, drain: true });
    const host = await fullHost(root, { heartbeat });
    try {
      const { fields } = await eventually("figures are served", () =>
        host.lines.find(({ message }) => message === "figures and health are served"),
      );
      const draining = async () => {
        const text = await (await fetch(`http://127.0.0.1:${fields?.port}/metrics`)).text();
        return text.includes("windshift_runner_draining 1\n");
      };
      await eventually("it is a figure", draining, TEST_MS_MAX);
    } finally {
      await host.stop();
    }
  },
  TEST_MS_MAX,
);
