import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, chown, copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import type { SandboxExit } from "./sandbox.ts";
import { jobLabels } from "./sandbox-labels.ts";

let docker: DockerFixture;
let workspace: string;
let runs = 0;
const TEST_MS_MAX = 60_000;

beforeAll(async () => {
  docker = await dockerFixture();
  workspace = await mkdtemp(join(tmpdir(), "windshift-hardening-"));
  await chown(workspace, 1000, 1000);
});
afterAll(() => rm(workspace, { recursive: true, force: true }));

async function inside(
  script: string,
  env: Record<string, string> = {},
): Promise<{ exit: SandboxExit; printed: string }> {
  runs++;
  const created = await docker.sandbox.create({
    name: `windshift-hardening-${process.pid}-${runs}`,
    labels: jobLabels("hardening", runs, 1, "agent"),
    image: docker.image,
    command: ["sh", "-c", script],
    env,
    workspace: { dir: workspace, readOnly: false },
    network: docker.network,
  });
  if ("kind" in created) throw new Error(created.detail);
  let printed = "";
  const take = (chunk: Uint8Array) => {
    printed += Buffer.from(chunk).toString("utf8");
  };
  const exit = await created.run(
    { stdin: nothing(), onStdout: take, onStderr: take },
    new AbortController().signal,
  );
  return { exit, printed };
}
async function* nothing(): AsyncGenerator<string> {}
const check = (fact: string, body: () => Promise<void>) => test(fact, body, TEST_MS_MAX);

check("SB-02 a setuid-root program gains nothing", async () => {
  const planted = join(workspace, "planted-id");
  await copyFile("/usr/bin/id", planted);
  await chmod(planted, 0o4755);
  expect(((await stat(planted)).mode & 0o4000) !== 0 && (await stat(planted)).uid === 0).toBe(true);
  const { printed } = await inside(
    "/workspace/planted-id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status",
  );
  expect(printed.split(/\s+/).filter(Boolean)).toEqual([
    "1000",
    "CapEff:",
    "0000000000000000",
    "CapBnd:",
    "0000000000000000",
    "NoNewPrivs:",
    "1",
  ]);
});

check("SB-03 the image cannot be written and scratch space is capped, nosuid and nodev", async () => {
  const { printed } = await inside(
    "for d in / /etc /usr /var /root; do touch $d/x 2>/dev/null && echo wrote $d; done; grep -E ' (/tmp|/home/agent) ' /proc/mounts",
  );
  expect(printed).not.toContain("wrote");
  const mounts = printed.trim().split("\n");
  expect(mounts).toHaveLength(2);
  for (const mount of mounts) expect(mount).toMatch(/nosuid,nodev.*size=2097152k/);
});

check("SB-06 a fork bomb comes to the end of its own processes, and the run beside it works on", async () => {
  const bomb = inside("i=0; while [ $i -lt 2000 ]; do sleep 600 & i=$((i+1)); done; echo survived");
  const beside = inside("for i in 1 2 3 4 5; do /bin/true && echo alive; done");
  expect((await beside).printed.match(/alive/g)).toHaveLength(5);
  const { printed } = await bomb;
  expect(printed).toMatch(/fork|Resource temporarily unavailable/i);
  expect(printed).not.toContain("survived");
  const name = `name=windshift-hardening-${process.pid}-`;
  expect(await docker.cli.call(["ps", "--all", "--quiet", "--filter", name])).toEqual({
    kind: "ok",
    stdout: "",
  });
});

check("SB-03 what fills /tmp counts against the memory limit", async () => {
  // The kernel chooses whom it ends: the shell (oom) or the writer (137). Neither gets to the end.
  const { exit, printed } = await inside("head -c 600000000 /dev/zero > /tmp/fill && echo survived");
  expect(printed).toBe("");
  expect([{ kind: "oom" }, { kind: "exited", exitCode: 137 }]).toContainEqual(exit as { kind: "oom" });
});

check("SB-04 no socket of the engine or the host is in reach", async () => {
  const { printed } = await inside(
    "find / -type s -not -path '/proc/*' 2>/dev/null; grep -E 'docker.sock|containerd|podman|dbus' /proc/self/mountinfo; ls /run /var/run 2>/dev/null | grep -E 'docker|containerd|podman|dbus'; echo end",
  );
  expect(printed).toBe("end\n");
});

check("SB-07 three times the memory limit ends as oom, and the engine lives", async () => {
  const { exit } = await inside("head -c 900000000 /dev/zero | tail -c 768000000 > /dev/null");
  expect(exit).toEqual({ kind: "oom" });
  expect((await docker.cli.call(["version"])).kind).toBe("ok");
});

check("a program that merely loses a child to the memory limit ends as it says itself", async () => {
  const { exit } = await inside("head -c 900000000 /dev/zero | tail -c 768000000 > /dev/null; exit 4");
  expect(exit).toEqual({ kind: "exited", exitCode: 4 });
});

check("SB-21 the container knows its own token and nothing of this process", async () => {
  process.env.WINDSHIFT_CANARY = "canary-in-the-environment";
  const { printed } = await inside(
    "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/self/mountinfo 2>/dev/null | tr '\\0' '\\n'; ls -a /root 2>&1",
    { WS_TOKEN: "the-token-of-this-run" },
  );
  delete process.env.WINDSHIFT_CANARY;
  expect(printed).toContain("the-token-of-this-run");
  expect(printed).not.toContain("canary-in-the-environment");
});
