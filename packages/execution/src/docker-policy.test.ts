import { afterAll, beforeAll, expect, test } from "bun:test";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { createArgv } from "./docker-argv.ts";
import type { SandboxContainer, SandboxSpec } from "./sandbox.ts";
import { jobLabels } from "./sandbox-labels.ts";
import { CONTAINER_POLICY } from "./testdata/container-policy.ts";

let docker: DockerFixture;
let spec: SandboxSpec;
let container: SandboxContainer;
let inspected: unknown;

beforeAll(async () => {
  docker = await dockerFixture();
  const dir = await mkdtemp(join(tmpdir(), "windshift-policy-"));
  await chown(dir, 1000, 1000);
  spec = {
    name: `windshift-policy-${process.pid}`,
    labels: jobLabels("policy", 7, 2, "agent"),
    image: docker.image,
    command: ["sh", "-c", "exit 0"],
    env: { LLM_API_KEY: "wsrun_canary-of-the-policy-test" },
    workspace: { dir, readOnly: false },
    network: docker.network,
  };
  const created = await docker.sandbox.create(spec);
  if ("kind" in created) throw new Error(created.detail);
  container = created;
  const answer = await docker.cli.call(["container", "inspect", spec.name]);
  if (answer.kind === "failed") throw new Error(answer.message);
  inspected = JSON.parse(answer.stdout)[0];
}, 60_000);
afterAll(async () => {
  await container.discard();
  await rm(spec.workspace.dir, { recursive: true });
});

for (const { item, fact, path, value } of CONTAINER_POLICY)
  test(`SB-01 ${item}: an agent container ${fact}`, () => {
    expect(at(inspected, path)).toEqual(value);
  });

test("SB-01 CIS 5.6, 5.20, 5.32: the checkout is the only mount, not shared back to the host", () => {
  expect(at(inspected, "Mounts")).toEqual([
    expect.objectContaining({
      Type: "bind",
      Source: spec.workspace.dir,
      Destination: "/workspace",
      RW: true,
      Propagation: "rprivate",
    }),
  ]);
});

test("SB-01 CIS 5.2: no profile is switched off", () => {
  expect(JSON.stringify(inspected)).not.toContain("unconfined");
});

test("SB-01 CIS 5.30: the container is not on the engine's default bridge", () => {
  expect(Object.keys(at(inspected, "NetworkSettings.Networks") as object)).toEqual(["windshift-test"]);
});

test("SB-01 the labels name instance, run, attempt and role", () => {
  expect(at(inspected, "Config.Labels")).toMatchObject(spec.labels);
});

const DOCKER = { init: true, podman: false };

test("the agent owns its home and scratch space in words that the engine understands", () => {
  const tmpfsOf = (podman: boolean) =>
    createArgv(spec, docker.options.limits, { init: false, podman }).filter((word) =>
      word.includes(":rw,exec,"),
    );
  expect(tmpfsOf(false)).toEqual([
    "/tmp:rw,exec,nosuid,nodev,size=2g,mode=1777",
    "/home/agent:rw,exec,nosuid,nodev,size=2g,mode=0700,uid=1000,gid=1000",
  ]);
  expect(tmpfsOf(true)).toEqual([
    "/tmp:rw,exec,nosuid,nodev,size=2g,mode=0700,U",
    "/home/agent:rw,exec,nosuid,nodev,size=2g,mode=0700,U",
  ]);
});

test("SB-27 a runtime of the operator's choice, such as runsc, is asked of the engine; without one nothing is", () => {
  const argv = (runtime?: string) =>
    createArgv(spec, { ...docker.options.limits, ...(runtime === undefined ? {} : { runtime }) }, DOCKER);
  const asked = argv("runsc");
  expect(asked[asked.indexOf("--runtime") + 1]).toBe("runsc");
  expect(argv()).not.toContain("--runtime");
});

test("SB-21 values of the environment are in no argument list", () => {
  const argv = createArgv(spec, docker.options.limits, DOCKER).join(" ");
  expect(argv).toContain("--env LLM_API_KEY");
  expect(argv).not.toContain("wsrun_canary");
});

test("HG-10 a read-only checkout is mounted read-only", () => {
  const argv = createArgv(
    { ...spec, workspace: { dir: "/x", readOnly: true } },
    docker.options.limits,
    DOCKER,
  );
  expect(argv).toContain("type=bind,src=/x,dst=/workspace,readonly");
});

test("SB-23 names that steer the engine's command line are refused", async () => {
  for (const name of ["DOCKER_HOST", "PATH", "LD_PRELOAD", "HTTPS_PROXY", "A=B", "--privileged", ""])
    await expect(docker.sandbox.create({ ...spec, env: { [name]: "x" } })).rejects.toThrow("cannot be set");
});

test("SB-23 a folder that would add a mount option is refused", () => {
  for (const dir of ["/a,dst=/etc", '/a"b', "relative"])
    expect(() =>
      createArgv({ ...spec, workspace: { dir, readOnly: false } }, docker.options.limits, DOCKER),
    ).toThrow();
});

function at(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], document);
}
