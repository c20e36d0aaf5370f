import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { type DockerFixture, dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { DockerSandbox } from "./docker-sandbox.ts";

let docker: DockerFixture;
let root: TempDir;
beforeAll(async () => {
  docker = await dockerFixture();
  root = tempDir();
});
afterAll(() => root?.remove());

test("a container that the engine does not let go of keeps none of the others from the sweep", async () => {
  const instance = `sweep-stuck-${process.pid}`;
  const { options, image, network } = docker;
  const stuck = join(root.path, "stuck");
  const clinging = join(root.path, "docker-clinging");
  await Bun.write(
    clinging,
    `#!/bin/sh\n[ "$1 $4" != "rm $(cat ${stuck})" ] || { echo "removal of container $4 is already in progress" >&2; exit 1; }\nexec docker "$@"\n`,
  );
  chmodSync(clinging, 0o755);
  const labels = { "org.windshift.instance": instance, "org.windshift.attempt": "1" };
  const list = [
    "ps",
    "--all",
    "--quiet",
    "--no-trunc",
    "--filter",
    `label=org.windshift.instance=${instance}`,
  ];
  const made = [];
  for (const run of ["1", "2", "3"])
    made.push(
      await docker.sandbox.create({
        name: `windshift-${instance}-run-${run}`,
        labels: { ...labels, "org.windshift.run": run },
        image,
        command: ["true"],
        env: {},
        workspace: { dir: root.path, readOnly: true },
        network,
      }),
    );
  try {
    // The first that the engine lists.
    const listed = await docker.cli.call(list);
    const first = listed.kind === "ok" ? listed.stdout.split("\n")[0] : undefined;
    if (!first) throw new Error("no container is listed");
    await Bun.write(stuck, first);
    const sweep = new DockerSandbox({ ...options, docker: clinging }).sweep(labels, []);
    await expect(sweep).rejects.toThrow("already in progress");
    const left = await docker.cli.call(list);
    expect(left).toEqual({ kind: "ok", stdout: `${first}\n` });
  } finally {
    for (const container of made) if (!("kind" in container)) await container.discard();
  }
}, 60_000);
