import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chown, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { DockerCli } from "@windshift/execution/docker-cli.ts";
import { DockerSandbox } from "@windshift/execution/docker-sandbox.ts";
import { markedProcesses } from "@windshift/execution/process-tree.ts";
import type { SandboxExit } from "@windshift/execution/sandbox.ts";
import { jobLabels } from "@windshift/execution/sandbox-labels.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { type OwnEngine, startOwnEngine } from "./own-engine.ts";

/** A dockerd takes its time to start and to end, on a loaded machine above all, ms. */
const DEADLINE_MS = 240_000;
setDefaultTimeout(2 * DEADLINE_MS);

const INSTANCE = "0123456789ab";
/** Variable by which the processes of a container are known from outside. */
const MARK = "WINDSHIFT_ENGINE_TEST";
let engine: OwnEngine;
/** Gives an engine that hangs eight seconds; it is four minutes in the product. */
let hasty: DockerSandbox;
/** As in the product, which waits for an engine that is being restarted. */
let patient: DockerSandbox;
let runs = 0;
beforeAll(async () => {
  engine = await startOwnEngine();
  hasty = sandboxOn(engine, 1_000);
  patient = sandboxOn(engine, 60_000);
});
afterAll(() => engine?.stop());

/** @param callMsMax longest wait for one answer of the engine, ms */
function sandboxOn({ env, image }: OwnEngine, callMsMax: number): DockerSandbox {
  return new DockerSandbox({
    docker: "docker",
    env,
    limits: { pidsLimit: 64, memory: "64m", cpus: "1" },
    helperImage: image,
    agentImagesOnly: false,
    root: true,
    callMsMax,
  });
}

const ECHOES = 'echo up; while read -r line; do echo "got $line"; done; echo end';
/** Goes on without input: that of a container ends with the daemon that brought it. */
const STUBBORN = "echo up; while :; do sleep 1; done";

/** A container that prints a line for each one it is given, and its end. */
function specOf(name: string, dir: string, image = engine.image) {
  return {
    name,
    labels: jobLabels(INSTANCE, runs, 1, "agent"),
    image,
    command: ["/bin/sh", "-c", ECHOES],
    env: { [MARK]: name },
    workspace: { dir, readOnly: false },
    network: "none",
  };
}

async function started(by = hasty, on = engine, script = ECHOES) {
  runs++;
  const dir = await mkdtemp(join(on.dir, "ws-"));
  await chown(dir, 1000, 1000);
  const spec = { ...specOf(`windshift-${INSTANCE}-${runs}`, dir), command: ["/bin/sh", "-c", script] };
  const container = await eventually(
    "the engine makes a container",
    async () => {
      const made = await by.create(spec);
      return "kind" in made ? undefined : made;
    },
    DEADLINE_MS,
  );
  const input = new TransformStream<string, string>();
  const writer = input.writable.getWriter();
  let printed = "";
  const ended: Promise<SandboxExit> = container.run(
    {
      stdin: input.readable,
      onStdout: (chunk) => {
        printed += Buffer.from(chunk).toString("utf8");
      },
      onStderr: () => undefined,
    },
    new AbortController().signal,
  );
  const prints = (text: string) => eventually(`it prints ${text}`, () => printed.includes(text), DEADLINE_MS);
  await prints("up");
  return {
    ended,
    prints,
    isAlive: () => markedProcesses(MARK).some(({ value }) => value === spec.name),
    say: (line: string) => void writer.write(`${line}\n`),
    close: () => writer.close(),
  };
}

/** What of ours an engine still has. */
function left(by = patient): Promise<string[]> {
  return eventually(
    "the engine answers",
    () => by.sweep({ "org.windshift.instance": INSTANCE }, []).catch(() => undefined),
    DEADLINE_MS,
  );
}

test("F08 an engine that stands still for a moment costs a run nothing: it goes on in the same container", async () => {
  const run = await started();
  engine.signal("SIGSTOP");
  run.say("while it stood still");
  engine.signal("SIGCONT");
  await run.prints("got while it stood still");
  await run.close();
  expect(await run.ended).toEqual({ kind: "exited", exitCode: 0 });
  expect(await left()).toEqual([]);
});

test("F08 one that hangs ends the run as lost, with a sentence, and what it kept is swept when it is back", async () => {
  const run = await started();
  engine.signal("SIGSTOP");
  const exit = await run.ended;
  expect(exit).toMatchObject({ kind: "lost", gone: false, detail: expect.stringContaining("docker ps") });
  engine.signal("SIGCONT");
  expect(await left()).toEqual([`windshift-${INSTANCE}-${runs}`]);
  expect(await left()).toEqual([]);
});

test("F08 one that is killed and started again leaves no container, and the run says that the engine was the cause", async () => {
  const run = await started(patient);
  engine.signal("SIGKILL");
  await engine.gone();
  await engine.restart();
  const exit = await run.ended;
  expect(exit).toMatchObject({ kind: "lost", detail: expect.stringContaining("engine") });
  await left();
  expect(await left()).toEqual([]);
  const next = await started();
  await next.close();
  expect(await next.ended).toEqual({ kind: "exited", exitCode: 0 });
});

test("F08 one that is restarted with live-restore ends the run, whose output cannot be had again, and leaves no container", async () => {
  const restoring = await startOwnEngine(["--live-restore"]);
  try {
    const by = sandboxOn(restoring, 60_000);
    const run = await started(by, restoring, STUBBORN);
    // What it prints comes a moment before its daemon calls it running, and spares it.
    const cli = new DockerCli({ docker: "docker", env: restoring.env });
    const list = ["ps", "--quiet", "--filter", "status=running"];
    await eventually("the engine knows that it runs", async () => {
      const answer = await cli.call(list);
      return answer.kind === "ok" && answer.stdout !== "";
    });
    restoring.signal("SIGTERM");
    await restoring.gone();
    // The container outlives its daemon: that is what the setting is for.
    expect(run.isAlive()).toBe(true);
    await restoring.restart();
    const exit = await run.ended;
    expect(exit).toMatchObject({ kind: "lost", gone: true, detail: expect.stringContaining("engine") });
    expect(await left(by)).toEqual([]);
    expect(run.isAlive()).toBe(false);
    const next = await started(by, restoring);
    await next.close();
    expect(await next.ended).toEqual({ kind: "exited", exitCode: 0 });
  } finally {
    await restoring.stop();
  }
});

/** Stands in for a registry, and answers every request so. An engine speaks plain HTTP with registries on the loopback address. */
async function pulledFrom(
  answer: () => Response | Promise<Response>,
  { signal, version = ":1" }: { signal?: AbortSignal; version?: string } = {},
) {
  let asked = 0;
  using registry = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: () => {
      asked++;
      return answer();
    },
  });
  const image = `127.0.0.1:${registry.port}/agents/some${version}`;
  const progress: string[] = [];
  const options = {
    progress: (line: string) => void progress.push(line),
    ...(signal === undefined ? {} : { signal }),
  };
  const made = await patient.create(specOf(`windshift-${INSTANCE}-pull`, engine.dir, image), options);
  registry.stop(true);
  return { made, image, asked, progress };
}

test("F29 an image that its registry fails to give ends the run with the reason and the registry's words", async () => {
  const { made, image, asked, progress } = await pulledFrom(
    () => new Response("out of order", { status: 500 }),
  );
  expect(made).toMatchObject({ kind: "not_started", reason: "image" });
  if (!("kind" in made)) throw new Error("it was made");
  expect(made.detail).toContain(`docker pull ${image}`);
  expect(made.detail).toMatch(/500|out of order/);
  expect(asked).toBeGreaterThan(0);
  expect(progress).toContain(`pulling the image ${image}`);
});

test("F29 a registry that answers nothing holds a run up until its time to prepare is over, and no longer", async () => {
  const over = new AbortController();
  const { made } = await pulledFrom(
    () => {
      over.abort();
      return new Promise<Response>(() => {});
    },
    { signal: over.signal },
  );
  expect(made).toMatchObject({
    kind: "not_started",
    reason: "image",
    detail: expect.stringContaining("the pull was ended before it was done"),
  });
});

test("F29 an image that is not the one its digest names is not run", async () => {
  const type = "application/vnd.docker.distribution.manifest.v2+json";
  const config = {
    mediaType: "application/vnd.docker.container.image.v1+json",
    size: 2,
    digest: digestOf("{}"),
  };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [] });
  const headers = { "content-type": type, "docker-content-digest": digestOf(manifest) };
  const version = `@${digestOf("another one")}`;
  const { made } = await pulledFrom(() => new Response(manifest, { headers }), { version });
  expect(made).toMatchObject({ kind: "not_started", reason: "image" });
  if (!("kind" in made)) throw new Error("it was made");
  expect(made.detail).toContain(`manifest verification failed for digest ${version.slice(1)}`);
});

test("F12 an engine whose disk is full ends the run with its words, and starts the next one when there is room", async () => {
  using place = tempDir();
  const system = async (...argv: string[]) =>
    expect((await exec(argv, { env: { PATH: process.env.PATH ?? "" }, timeoutMs: DEADLINE_MS })).stderr).toBe(
      "",
    );
  await system("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place.path);
  const small = await startOwnEngine(["--data-root", place.path]);
  try {
    const filler = join(place.path, "filler");
    await system("sh", "-c", 'dd if=/dev/zero of="$0" bs=64k 2>/dev/null; true', filler);
    const create = () =>
      sandboxOn(small, 60_000).create(specOf(`windshift-${INSTANCE}-full`, small.dir, small.image), {});
    expect(await create()).toMatchObject({
      kind: "not_started",
      reason: "engine",
      detail: expect.stringContaining("no space left on device"),
    });
    await system("rm", filler);
    expect(await create()).not.toHaveProperty("kind");
  } finally {
    await small.stop();
    await system("umount", "--lazy", place.path);
  }
});

function digestOf(text: string): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
}
