import { expect, test } from "bun:test";
import { chownSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@windshift/base/clock.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import { LocalCheckout } from "@windshift/testing/local-checkout.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { AGENT_GID, AGENT_UID } from "./docker-argv.ts";
import type { Sandbox } from "./sandbox.ts";
import { INSTANCE_LABEL, jobLabels } from "./sandbox-labels.ts";

/** Commits, then leaves a process behind that keeps rewriting the repository's configuration. */
const AGENT = `
read -r prompt
echo fixed > fixed; git add fixed
git -c user.name=a -c user.email=a@b commit -qm fix
(setsid sh -c 'trap "" TERM HUP; while :; do git config core.fsmonitor "touch /workspace/pwned"; done' >/dev/null 2>&1 &)
echo '{"type":"finish","outcome":"completed","summary":"done in a container"}'
echo '{"type":"session_idle"}'
exit 0`;

test("HG-11 the export is released only when the agent's container is gone, and the commits come out", async () => {
  const docker = await dockerFixture();
  const fixture = await jobFixture("", { clock: systemClock });
  const seen: string[] = [];
  const { deps, job } = fixture;
  const listed = async () => {
    const answer = await docker.cli.call([
      ...["ps", "--all", "--format", "{{.Names}}"],
      ...["--filter", `label=${INSTANCE_LABEL}=${deps.settings.instance}`],
      ...["--filter", `label=org.windshift.run=${job.run_id}`],
    ]);
    if (answer.kind === "failed") throw new AppError("unavailable", answer.message);
    return answer.stdout.trim();
  };
  deps.sandbox = watched(docker.sandbox, async (name) => {
    if (name.endsWith("-export")) seen.push(await listed());
  });
  deps.checkout = await LocalCheckout.make(
    await fixture.makeFolder(),
    (dir) => docker.sandbox.removeDir(dir),
    { uid: AGENT_UID, gid: AGENT_GID },
  );
  Object.assign(deps.settings, {
    image: docker.image,
    network: docker.network,
    command: ["sh", "-c", AGENT],
  });

  const end = await fixture.run();

  expect(end).toMatchObject({
    kind: "reported",
    result: { failure: null, isolation: "container", summary: "done in a container", exit_code: 0 },
  });
  expect(seen).toEqual([`windshift-test-run-${job.run_id}-1-export`]);
  expect(await listed()).toBe("");
  expect(fixture.server.phases).toEqual(["preparing", "agent", "exporting", "pushing"]);
  await fixture.dispose();
}, 60_000);

/** Commits, and leaves everything in its checkout that hangs or swamps whoever reads it. */
const ODD_FILES = `
read -r prompt
echo fixed > fixed; git add fixed
git -c user.name=a -c user.email=a@b commit -qm fix
mkfifo pipe .git/pipe .git/info/exclude.lock; truncate -s 10G sparse; ln sparse hard; ln fixed hard-fixed
mkfifo .git/FETCH_HEAD; rm -f .git/description; mkfifo .git/description; ln -s /dev/zero endless; ln -s /etc/shadow .git/shadow
echo '{"type":"finish","outcome":"completed","summary":"left odd files"}'
echo '{"type":"session_idle"}'
exit 0`;

test("SB-16 pipes, sparse files and hard links in the checkout hold nobody up, and none of it is left", async () => {
  const docker = await dockerFixture();
  const fixture = await jobFixture("", { clock: systemClock });
  const { deps } = fixture;
  deps.sandbox = docker.sandbox;
  const folder = await fixture.makeFolder();
  deps.checkout = await LocalCheckout.make(folder, (dir) => docker.sandbox.removeDir(dir), {
    uid: AGENT_UID,
    gid: AGENT_GID,
  });
  Object.assign(deps.settings, {
    image: docker.image,
    network: docker.network,
    command: ["sh", "-c", ODD_FILES],
    // A sparse file takes no room, whatever its size says.
    workspaceBytesMax: 1_073_741_824,
  });
  const end = await fixture.run();
  expect(end).toMatchObject({ kind: "reported", result: { failure: null, summary: "left odd files" } });
  expect(end.kind === "reported" && end.result.head_oid).toMatch(/^[0-9a-f]{40}$/);
  const left = readdirSync(folder, { recursive: true }).filter((name) => String(name).includes("sparse"));
  expect(left).toEqual([]);
  await fixture.dispose();
}, 120_000);

test("a container started early cannot enter the checkout before it is given away", async () => {
  if (process.getuid?.() !== 0)
    throw new Error("only root can close a folder to the agent's user: run the tests as root");
  const docker = await dockerFixture();
  using root = tempDir();
  const dir = join(root.path, "checkout");
  mkdirSync(dir, { mode: 0o700 });
  const script = `cd /workspace || echo closed; touch early || echo refused; read -r go; cd /workspace && touch late && ls`;
  const created = await docker.sandbox.create({
    name: `windshift-test-early-${process.pid}`,
    labels: jobLabels("early-test", 1, 1, "agent"),
    image: docker.image,
    command: ["sh", "-c", script],
    env: {},
    workspace: { dir, readOnly: false },
    network: "none",
  });
  if ("kind" in created) throw new Error(created.detail);
  created.start();
  let printed = "";
  const exit = await created.run(
    {
      stdin: (async function* () {
        await eventually("the awaited state is reached", () => printed.includes("refused"));
        chownSync(dir, AGENT_UID, AGENT_GID);
        yield "go\n";
      })(),
      onStdout: (chunk) => {
        printed += Buffer.from(chunk).toString("utf8");
      },
      onStderr: () => undefined,
    },
    new AbortController().signal,
  );
  expect(exit).toEqual({ kind: "exited", exitCode: 0 });
  expect(printed).toBe("closed\nrefused\nlate\n");
}, 60_000);

test("SB-24 an image that is named by its digest stays the one it was, whatever its tag is moved to", async () => {
  const { cli, sandbox, image } = await dockerFixture();
  using root = tempDir();
  const call = async (...args: string[]) => {
    const answer = await cli.call(args);
    if (answer.kind === "failed") throw new Error(answer.message);
    return answer.stdout.trim();
  };
  const tag = `windshift-test-moved:${process.pid}-${Date.now()}`;
  const archive = join(root.path, "empty.tar");
  // Two blocks of zeros are an archive without files.
  await Bun.write(archive, new Uint8Array(1_024));
  const pinned = await call("image", "inspect", "--format", "{{.Id}}", image);
  const imageOf = async (name: string, of: string) => {
    const created = await sandbox.create({
      name: `windshift-test-${name}-${process.pid}`,
      labels: jobLabels("pinned-test", 1, 1, "agent"),
      image: of,
      command: ["true"],
      env: {},
      workspace: { dir: root.path, readOnly: true },
      network: "none",
    });
    if ("kind" in created) throw new Error(created.detail);
    const found = await call("inspect", "--format", "{{.Image}}", `windshift-test-${name}-${process.pid}`);
    await created.discard();
    return found;
  };
  await call("tag", pinned, tag);
  try {
    expect(await imageOf("before", tag)).toBe(pinned);
    const moved = await call("import", archive, tag);
    expect(await imageOf("after", tag)).toBe(moved);
    expect(await imageOf("pinned", pinned)).toBe(pinned);
  } finally {
    await call("image", "rm", "--force", tag);
  }
}, 60_000);

/** The same sandbox, with a look around just before a container gets its first input: the export's is its release. */
function watched(sandbox: Sandbox, look: (name: string) => Promise<void>): Sandbox {
  return {
    isolation: sandbox.isolation,
    giveDir: (dir) => sandbox.giveDir(dir),
    removeDir: (dir) => sandbox.removeDir(dir),
    diskUse: (dir, signal) => sandbox.diskUse(dir, signal),
    sweep: (labels, keep) => sandbox.sweep(labels, keep),
    create: async (spec, options) => {
      const container = await sandbox.create(spec, options);
      if ("kind" in container) return container;
      return {
        start: () => container.start(),
        discard: () => container.discard(),
        run: (streams, signal) => {
          const stdin = afterLook(streams.stdin, () => look(spec.name));
          return container.run({ ...streams, stdin }, signal);
        },
      };
    },
  };
}

async function* afterLook(input: AsyncIterable<string>, look: () => Promise<void>): AsyncGenerator<string> {
  let looked = false;
  for await (const text of input) {
    if (!looked) await look();
    looked = true;
    yield text;
  }
}
