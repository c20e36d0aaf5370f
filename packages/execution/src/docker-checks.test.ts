import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { DockerChecks, type DockerChecksOptions } from "./docker-checks.ts";
import { DockerSandbox } from "./docker-sandbox.ts";
import type { SandboxSpec } from "./sandbox.ts";
import { INSTANCE_LABEL } from "./sandbox-labels.ts";

let docker: DockerFixture;
let root: string;
beforeAll(async () => {
  docker = await dockerFixture();
  root = await mkdtemp(join(tmpdir(), "windshift-checks-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function checks(over: Partial<DockerChecksOptions> = {}): DockerChecks {
  const { options, image, network } = docker;
  return new DockerChecks({ ...options, image, network, instance: "checks", worktreeRoot: root, ...over });
}
/** The same fault as a run meets it. */
async function refusal(over: Partial<SandboxSpec>, options: Partial<typeof docker.options> = {}) {
  const created = await new DockerSandbox({ ...docker.options, ...options }).create({
    name: `windshift-checks-${process.pid}`,
    labels: {},
    image: docker.image,
    command: ["true"],
    env: {},
    workspace: { dir: root, readOnly: true },
    network: docker.network,
    ...over,
  });
  if ("kind" in created) return created;
  await created.discard();
  throw new Error("the container was created");
}
const AWAY = { PATH: "/usr/bin:/bin", DOCKER_HOST: "unix:///nonexistent/docker.sock" };
const check = (fact: string, body: () => Promise<void>) => test(fact, body, 60_000);

check("a working engine, network and folder pass", async () => {
  const engine = await checks().engine();
  // A distribution's old engine gets a warning (SB-25); both tell the version.
  expect([engine.state === "failed", engine.detail]).toEqual([false, expect.stringMatching(/\d+\.\d+\.\d+/)]);
  expect(await checks().network()).toMatchObject({ state: "ok" });
  expect(await checks().worktree()).toEqual({ name: "worktree", state: "ok", detail: root });
  expect(await readdir(root)).toEqual([]);
});

check("a probe leaves no container behind, also when its program does not live to remove it", async () => {
  const noRemoval = join(root, "docker-without-rm");
  await writeFile(noRemoval, `#!/bin/sh\n[ "$1" = rm ] || exec docker "$@"\n`, { mode: 0o755 });
  const instance = `checks-${process.pid}`;
  const found = await checks({ docker: noRemoval, instance }).worktree();
  await rm(noRemoval);
  expect(found).toMatchObject({ state: "ok" });
  await eventually("the container is gone", async () => {
    const list = ["ps", "--all", "--quiet", "--filter", `label=${INSTANCE_LABEL}=${instance}`];
    const answer = await docker.cli.call(list);
    return answer.kind === "ok" && answer.stdout === "";
  });
});

check("an engine that is away names the daemon, to doctor and to a run", async () => {
  const found = await checks({ env: AWAY }).engine();
  const met = await refusal({}, { env: AWAY });
  expect([found.state, met.reason]).toEqual(["failed", "engine"]);
  for (const detail of [found.detail, met.detail]) expect(detail).toContain("Start the Docker daemon");
});

check("an engine program that does not exist names the settings that choose it", async () => {
  const met = await refusal({}, { docker: "no-such-engine" });
  expect(met.reason).toBe("engine");
  expect(met.detail).toContain("CODING_AGENT_DOCKER_BINARY");
  expect(met.detail).toContain("WSRUNNER_DOCKER");
});

check("a program that is no engine is told apart from an engine that is away", async () => {
  const found = await checks({ docker: "true" }).engine();
  expect(found.state).toBe("failed");
  expect(found.detail).toContain("true does not answer as a container engine does");
});

check("an image that cannot be pulled names the settings and the command to try", async () => {
  const image = "127.0.0.1:1/no/such-image:v1";
  const found = await checks({ image }).image();
  const met = await refusal({ image });
  expect([found.state, met.reason]).toEqual(["failed", "image"]);
  for (const detail of [found.detail, met.detail]) {
    expect(detail).toContain(`docker pull ${image}`);
    expect(detail).toContain("CODING_AGENT_RUNNER_IMAGE");
    expect(detail).toContain("WSRUNNER_IMAGE");
  }
});

check("an image without the agent contract's label is refused", async () => {
  const image = "windshift/test-unlabeled:local";
  const tar = join(root, "empty.tar");
  await Bun.write(tar, new Uint8Array(10_240));
  expect((await docker.cli.call(["import", tar, image])).kind).toBe("ok");
  await rm(tar);
  const met = await refusal({ image }, { agentImagesOnly: true });
  await docker.cli.call(["image", "rm", image]);
  expect(met.reason).toBe("image");
  expect(met.detail).toContain("org.windshift.agent-contract");
});

check("a missing network gives the command to make it and the open alternative", async () => {
  const network = "windshift-no-such-network";
  const found = await checks({ network }).network();
  const met = await refusal({ network });
  expect([found.state, met.reason]).toEqual(["failed", "network"]);
  for (const detail of [found.detail, met.detail]) {
    expect(detail).toContain(`docker network create ${network}`);
    expect(detail).toContain("CODING_AGENT_NETWORK=bridge");
  }
});

check("a folder the engine does not see tells about the same absolute path", async () => {
  const met = await refusal({ workspace: { dir: "/nonexistent/worktree", readOnly: false } });
  expect(met.reason).toBe("worktree");
  expect(met.detail).toContain("same absolute path");
});

check("a worktree folder that is relative or no folder is named with its setting", async () => {
  for (const worktreeRoot of ["relative/path", "/dev/null"]) {
    const found = await checks({ worktreeRoot }).worktree();
    expect(found.state).toBe("failed");
    expect(found.detail).toContain("CODING_AGENT_WORKTREE_ROOT");
    expect(found.detail).toContain(worktreeRoot);
  }
});

check(
  "an API that answers a container with any status is reachable, one that does not is explained",
  async () => {
    const gateway = await docker.cli.call([
      "network",
      "inspect",
      "--format",
      "{{(index .IPAM.Config 0).Gateway}}",
      docker.network,
    ]);
    if (gateway.kind === "failed") throw new Error(gateway.message);
    const server = Bun.serve({
      hostname: gateway.stdout.trim(),
      port: 0,
      fetch: () => new Response("no", { status: 401, headers: { "www-authenticate": "Basic" } }),
    });
    try {
      expect(await checks().api(`http://${gateway.stdout.trim()}:${server.port}/api`)).toMatchObject({
        state: "ok",
      });
    } finally {
      await server.stop(true);
    }
    const local = await checks().api("http://localhost:1/api");
    expect(local.state).toBe("failed");
    expect(local.detail).toContain("localhost inside a container is the container itself");
    expect(local.detail).toContain("CODING_AGENT_WS_API_URL");
  },
);
