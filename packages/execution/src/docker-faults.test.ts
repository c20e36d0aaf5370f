import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chown, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { DockerSandbox, type DockerSandboxOptions } from "./docker-sandbox.ts";
import type { SandboxExit } from "./sandbox.ts";
import { jobLabels } from "./sandbox-labels.ts";

const INSTANCE = `faults-${process.pid}`;
let docker: DockerFixture;
let root: string;
let runs = 0;

beforeAll(async () => {
  docker = await dockerFixture();
  root = await mkdtemp(join(tmpdir(), "windshift-faults-"));
});
afterAll(async () => {
  await docker.sandbox.sweep({ "org.windshift.instance": INSTANCE }, []);
  await rm(root, { recursive: true, force: true });
});

/** Creates a container that prints `up` and works until it is ended. */
async function created(over: Partial<DockerSandboxOptions> = {}) {
  runs++;
  const dir = await mkdtemp(join(root, "ws-"));
  await chown(dir, 1000, 1000);
  return new DockerSandbox({ ...docker.options, ...over }).create({
    name: `windshift-${INSTANCE}-${runs}`,
    labels: jobLabels(INSTANCE, runs, 1, "agent"),
    image: docker.image,
    command: ["sh", "-c", "echo up; while :; do sleep 1; done"],
    env: {},
    workspace: { dir, readOnly: false },
    network: docker.network,
  });
}
async function started(over: Partial<DockerSandboxOptions> = {}) {
  const container = await created(over);
  if ("kind" in container) throw new Error(container.detail);
  const abort = new AbortController();
  let printed = "";
  const ended: Promise<SandboxExit> = container.run(
    {
      stdin: nothing(),
      onStdout: (chunk) => {
        printed += Buffer.from(chunk).toString("utf8");
      },
      onStderr: () => undefined,
    },
    abort.signal,
  );
  await eventually("the agent is up", () => printed.includes("up"), 20_000);
  return { name: `windshift-${INSTANCE}-${runs}`, abort, ended };
}
async function* nothing(): AsyncGenerator<string> {}
/** The engine's command line, with `lines` of shell before it. */
async function wrapped(name: string, lines: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\n${lines}\nexec docker "$@"\n`, { mode: 0o755 });
  return path;
}
/** Names of our containers, left where they are. */
async function present(): Promise<string> {
  const label = `label=org.windshift.instance=${INSTANCE}`;
  const answer = await docker.cli.call(["ps", "--all", "--filter", label, "--format", "{{.Names}}"]);
  if (answer.kind === "failed") throw new Error(answer.message);
  return answer.stdout.trim();
}
const listed = () => docker.sandbox.sweep({ "org.windshift.instance": INSTANCE }, []);

test("F08 an engine that hangs ends the run as lost, in bounded time, and says so", async () => {
  const hang = join(root, "hang");
  const wrapper = await wrapped("docker", `[ -e ${hang} ] && exec sleep 1000`);
  const run = await started({ docker: wrapper, callMsMax: 1_000 });
  await writeFile(hang, "");
  run.abort.abort();
  const exit = await run.ended;
  expect(exit).toMatchObject({
    kind: "lost",
    gone: false,
    detail: expect.stringContaining("did not confirm"),
  });
  await rm(hang);
  expect(await listed()).toEqual([run.name]);
}, 60_000);

test("F08 when the attached command line dies, the container is ended too and the run is lost", async () => {
  const run = await started();
  const [pid] = pidsOf("start\0--attach\0--interactive");
  if (pid === undefined) throw new Error("no attached command line");
  process.kill(pid, "SIGKILL");
  expect(await run.ended).toMatchObject({ kind: "lost", gone: true });
  expect(await listed()).toEqual([]);
}, 60_000);

test("a container that was made although its creation failed is removed", async () => {
  const wrapper = await wrapped("docker-lies", `[ "$1" = create ] && docker "$@" && exit 1`);
  expect(await created({ docker: wrapper })).toMatchObject({ kind: "not_started", reason: "engine" });
  expect(await present()).toBe("");
}, 60_000);

test("F08 a container that a slow engine makes after nobody waits for it any more is removed", async () => {
  const made = join(root, "made");
  const late = `(sleep 3; exec docker "$@") >${made} 2>&1 &`;
  const wrapper = await wrapped("docker-late", `[ "$1" = create ] && { ${late}\nexec sleep 1000; }`);
  expect(await created({ docker: wrapper, callMsMax: 2_000 })).toMatchObject({
    kind: "not_started",
    detail: expect.stringContaining("no answer within"),
  });
  await eventually("the engine has made it", () => read(made).trim().length === 64);
  await eventually("it is removed", async () => (await present()) === "", 20_000);
}, 60_000);

test("discarding a container whose removal the engine does not confirm says so", async () => {
  const away = join(root, "away");
  const wrapper = await wrapped("docker-away", `[ -e ${away} ] && exit 1`);
  // A loaded machine may take longer to make one than is waited for here.
  const container = await eventually(
    "the engine makes a container",
    async () => {
      const made = await created({ docker: wrapper, callMsMax: 2_000 });
      return "kind" in made ? undefined : made;
    },
    50_000,
  );
  await writeFile(away, "");
  await expect(container.discard()).rejects.toThrow("did not confirm");
  await rm(away);
  await container.discard();
  await eventually("all of them are removed", async () => (await present()) === "", 50_000);
}, 120_000);

test("SB-18 where this process is not root, a helper gives the checkout away and empties it", async () => {
  const sandbox = new DockerSandbox({ ...docker.options, root: false });
  const dir = await mkdtemp(join(root, "given-"));
  await mkdir(join(dir, "sub"), { mode: 0o700 });
  await writeFile(join(dir, "sub", "file"), "x");
  await sandbox.giveDir(dir);
  expect((await stat(join(dir, "sub", "file"))).uid).toBe(1000);
  await sandbox.removeDir(dir);
  expect(existsSync(dir)).toBe(false);
}, 60_000);

/** Processes of ours whose arguments hold `text`. */
function pidsOf(text: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && childOfUs(pid) && read(`/proc/${pid}/cmdline`).includes(text));
}
function childOfUs(pid: number): boolean {
  return new RegExp(`^PPid:\\s*${process.pid}$`, "m").test(read(`/proc/${pid}/status`));
}
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
