import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DockerCli } from "./docker-cli.ts";
import { findEngineLimits } from "./docker-limits.ts";

let root: TempDir;
beforeAll(() => {
  root = tempDir();
});
afterAll(() => root.remove());

/** What is found of an engine that says this of itself. */
async function limitsSaid(info: object | string) {
  const docker = join(root.path, `docker-${crypto.randomUUID()}`);
  const text = typeof info === "string" ? info : JSON.stringify(info);
  await Bun.write(docker, `#!/bin/sh\ncat <<'INFO'\n${text}\nINFO\n`);
  chmodSync(docker, 0o755);
  return findEngineLimits(new DockerCli({ docker, env: { PATH: "/usr/bin:/bin" } }));
}

/** As Podman 4.3.1 says it for a common user, on cgroup v1 and on v2 under systemd. */
const podman = (cgroupVersion: string, cgroupControllers: string[] | null) => ({
  host: { cgroupVersion, cgroupControllers, security: { rootless: true } },
});
const ROOTLESS = ["name=seccomp,profile=default", "name=rootless"];

test("the engine of this machine is fit", async () => {
  const { cli } = await dockerFixture();
  expect((await findEngineLimits(cli)).kind).toBe("fit");
});

test("SB-28 rootless Podman is fit where memory and pids are delegated to its user, and refused with the cure where not", async () => {
  expect((await limitsSaid(podman("v2", ["cpu", "memory", "pids"]))).kind).toBe("fit");
  for (const info of [podman("v1", []), podman("v2", null), podman("v2", [])])
    expect(await limitsSaid(info)).toEqual({
      kind: "unfit",
      detail: expect.stringMatching(/cannot limit the memory and processes of a container\. .*cgroup v2/),
    });
  expect((await limitsSaid(podman("v2", ["memory"]))).detail).toContain("limit the processes of");
});

test("SB-28 so is rootless Docker, and Podman behind Docker's command line", async () => {
  const could = { SecurityOptions: ROOTLESS, MemoryLimit: true, PidsLimit: true };
  expect((await limitsSaid({ ...could, CgroupVersion: "2", CgroupDriver: "systemd" })).kind).toBe("fit");
  expect((await limitsSaid({ ...could, CgroupVersion: "1", CgroupDriver: "cgroupfs" })).kind).toBe("unfit");
  expect((await limitsSaid({ ...could, CgroupVersion: "2", CgroupDriver: "none" })).kind).toBe("unfit");
});

test("a kernel without them is refused, whoever the engine is", async () => {
  expect((await limitsSaid({ MemoryLimit: true, PidsLimit: false, CgroupVersion: "1" })).kind).toBe("unfit");
  expect((await limitsSaid({ MemoryLimit: false, PidsLimit: true, CgroupVersion: "2" })).kind).toBe("unfit");
});

test("an engine that is away, or that does not say, is not refused", async () => {
  const away = new DockerCli({ docker: "/nonexistent/docker", env: {} });
  expect((await findEngineLimits(away)).kind).toBe("unknown");
  expect((await limitsSaid("hello")).kind).toBe("unknown");
  expect((await limitsSaid({ SecurityOptions: ["name=seccomp"] })).kind).toBe("fit");
});
