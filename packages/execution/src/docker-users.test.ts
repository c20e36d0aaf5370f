import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DockerCli } from "./docker-cli.ts";
import { findUserIds } from "./docker-users.ts";

const HOST_IDS = "         0          0 4294967295\n";
/** In a container of a rootless engine: root here is user 1000 of the host. */
const MAPPED_IDS = "         0       1000          1\n         1     100000      65536\n";

let root: TempDir;
beforeAll(() => {
  root = tempDir();
});
afterAll(() => root.remove());

/** An engine that says this of itself. */
async function engineSaying(info: object | string): Promise<DockerCli> {
  const docker = join(root.path, `docker-${crypto.randomUUID()}`);
  const text = typeof info === "string" ? info : JSON.stringify(info);
  await Bun.write(docker, `#!/bin/sh\ncat <<'INFO'\n${text}\nINFO\n`);
  chmodSync(docker, 0o755);
  return new DockerCli({ docker, env: { PATH: "/usr/bin:/bin" } });
}
const DOCKER_ROOTLESS = {
  SecurityOptions: ["name=seccomp,profile=default", "name=rootless", "name=cgroupns"],
};
const PODMAN_ROOTLESS = { host: { security: { rootless: true } } };

test("the engine of this machine is fit", async () => {
  const { cli } = await dockerFixture();
  expect((await findUserIds(cli, { root: true, uidMap: HOST_IDS })).kind).toBe("fit");
});

for (const [name, info] of [
  ["Docker", DOCKER_ROOTLESS],
  ["Podman", PODMAN_ROOTLESS],
] as const)
  test(`SB-28 rootless ${name} is fit for its own user and in a container of its own, and refused to root`, async () => {
    const cli = await engineSaying(info);
    const plain = await findUserIds(cli, { root: false, uidMap: HOST_IDS });
    expect(plain).toEqual({ kind: "fit", detail: expect.stringContaining("rootless") });
    expect((await findUserIds(cli, { root: true, uidMap: MAPPED_IDS })).kind).toBe("fit");
    const root = await findUserIds(cli, { root: true, uidMap: HOST_IDS });
    expect(root).toEqual({
      kind: "unfit",
      detail: expect.stringContaining("Run the runner as the user whose engine it is"),
    });
  });

test("SB-28 an engine with shifted user ids is refused to everybody, with what to do", async () => {
  const cli = await engineSaying({ SecurityOptions: ["name=userns"] });
  for (const asRoot of [true, false])
    expect(await findUserIds(cli, { root: asRoot, uidMap: HOST_IDS })).toEqual({
      kind: "unfit",
      detail: expect.stringMatching(/userns-remap.*Take userns-remap out/),
    });
});

test("rootful Podman is fit", async () => {
  const cli = await engineSaying({ host: { security: { rootless: false } } });
  expect((await findUserIds(cli, { root: true, uidMap: HOST_IDS })).kind).toBe("fit");
});

test("an engine that is away or is none is told apart from one that is refused", async () => {
  const away = new DockerCli({ docker: "/nonexistent/docker", env: {} });
  expect((await findUserIds(away, { root: true, uidMap: HOST_IDS })).kind).toBe("unknown");
  expect((await findUserIds(await engineSaying("hello"), { root: true, uidMap: HOST_IDS })).kind).toBe(
    "unknown",
  );
});
