import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DockerSandbox } from "./docker-sandbox.ts";

const NEVER = new AbortController().signal;
const FILE_BYTES = 8 * 1_048_576;
let docker: DockerFixture;
let root: TempDir;
beforeAll(async () => {
  docker = await dockerFixture();
  root = tempDir();
  chmodSync(root.path, 0o755);
}, 60_000);
afterAll(() => root.remove());

test("what an agent hides from this user is counted by a container", async () => {
  const dir = join(root.path, "checkout");
  const hidden = join(dir, "hidden");
  mkdirSync(hidden, { recursive: true });
  await Bun.write(join(hidden, "large"), new Uint8Array(FILE_BYTES).fill(1));
  for (const path of [hidden, dir]) chownSync(path, 1000, 1000);
  chmodSync(hidden, 0o700);
  const env = { ...docker.options.env, PATH: await blindPath() };
  const seen = await new DockerSandbox({ ...docker.options, env, root: false }).diskUse(dir, NEVER);
  if (seen.kind === "unknown") throw new Error("the look was not over in time");
  expect(seen.bytes).toBeGreaterThanOrEqual(FILE_BYTES);
  expect(seen.bytes).toBeLessThan(FILE_BYTES + 1_048_576);
  expect(seen.files).toBe(3);
}, 60_000);

test("a container that counts is removed when the look is called off", async () => {
  const log = join(root.path, "counting");
  const slow = join(root.path, "docker-slow");
  // What it is told to run never ends; the rest is the engine as it is.
  const endless = `run --rm --name "$4" --detach --entrypoint sleep ${docker.image} 600`;
  await Bun.write(
    slow,
    `#!/bin/sh\n[ "$1" = run ] || exec docker "$@"\ndocker ${endless}; echo "$4" > ${log}; exec sleep 600\n`,
  );
  chmodSync(slow, 0o755);
  const env = { ...docker.options.env, PATH: await blindPath() };
  const off = new AbortController();
  const sandbox = new DockerSandbox({ ...docker.options, docker: slow, env, root: false });
  const look = sandbox.diskUse(root.path, off.signal);
  const name = await eventually(
    "the container runs",
    async () => (await Bun.file(log).exists()) && (await Bun.file(log).text()).trim(),
    30_000,
  );
  expect((await docker.cli.call(["inspect", name])).kind).toBe("ok");
  off.abort();
  expect(await look).toEqual({ kind: "unknown" });
  expect((await docker.cli.call(["inspect", name])).kind).toBe("failed");
}, 60_000);

test("F46 two instances on one engine sweep their own containers and never the other's", async () => {
  const instances = ["one", "two"].map((name) => `sweep-${name}-${process.pid}`);
  const { sandbox, image, network } = docker;
  const made = await Promise.all(
    instances.flatMap((instance) =>
      [1, 2].map((run) =>
        sandbox.create({
          name: `windshift-${instance}-run-${run}`,
          labels: {
            "org.windshift.instance": instance,
            "org.windshift.run": `${run}`,
            "org.windshift.attempt": "1",
          },
          image,
          command: ["true"],
          env: {},
          workspace: { dir: root.path, readOnly: true },
          network,
        }),
      ),
    ),
  );
  const [one = "", two = ""] = instances;
  try {
    const removed = await sandbox.sweep({ "org.windshift.instance": one }, [{ run: 2, attempt: 1 }]);
    expect(removed).toEqual([`windshift-${one}-run-1`]);
    expect(await namesOf(two)).toEqual([`windshift-${two}-run-1`, `windshift-${two}-run-2`]);
    expect(await namesOf(one)).toEqual([`windshift-${one}-run-2`]);
  } finally {
    for (const container of made) if (!("kind" in container)) await container.discard();
  }
}, 60_000);

test("an attempt that begins while the sweep looks around keeps its container", async () => {
  const instance = `sweep-live-${process.pid}`;
  const { options, image, network } = docker;
  const held: { run: number; attempt: number }[] = [];
  // The engine has listed the container when the attempt becomes known.
  const listed = join(root.path, "docker-listing");
  const found = join(root.path, "listed");
  await Bun.write(
    listed,
    `#!/bin/sh\ndocker "$@"; code=$?\nif [ "$1" = ps ]; then echo > ${found}; while [ -e ${found} ]; do sleep 0.05; done; fi\nexit $code\n`,
  );
  chmodSync(listed, 0o755);
  const sandbox = new DockerSandbox({ ...options, docker: listed });
  const container = await sandbox.create({
    name: `windshift-${instance}-run-1`,
    labels: {
      "org.windshift.instance": instance,
      "org.windshift.run": "1",
      "org.windshift.attempt": "1",
    },
    image,
    command: ["true"],
    env: {},
    workspace: { dir: root.path, readOnly: true },
    network,
  });
  const sweep = sandbox.sweep({ "org.windshift.instance": instance }, held);
  await eventually("the engine to have listed", () => Bun.file(found).exists());
  held.push({ run: 1, attempt: 1 });
  await Bun.file(found).delete();
  expect(await sweep).toEqual([]);
  if (!("kind" in container)) await container.discard();
}, 60_000);

/** A PATH with the `du` and `find` of a user who may not look into a folder, as this process may be root. */
async function blindPath(): Promise<string> {
  const blind = join(root.path, "bin");
  await Bun.write(join(blind, "du"), `#!/bin/sh\necho "4\t$5"; echo "du: cannot read" >&2; exit 1\n`);
  await Bun.write(join(blind, "find"), "#!/bin/sh\nexit 1\n");
  for (const program of ["du", "find"]) chmodSync(join(blind, program), 0o755);
  return `${blind}:${docker.options.env.PATH}`;
}

async function namesOf(instance: string): Promise<string[]> {
  const filter = `label=org.windshift.instance=${instance}`;
  const answer = await docker.cli.call(["ps", "--all", "--filter", filter, "--format", "{{.Names}}"]);
  if (answer.kind === "failed") throw new Error(answer.message);
  return answer.stdout.trim().split("\n").sort();
}
