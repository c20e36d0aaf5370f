import { expect, test } from "bun:test";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { ProcessSandbox } from "./process-sandbox.ts";
import { INSTANCE_LABEL, jobLabels } from "./sandbox-labels.ts";

test("I10 the sweep removes homes of processes whose program was killed, and no others", async () => {
  using dir = tempDir();
  const homeRoot = join(dir.path, "homes");
  const make = () => new ProcessSandbox({ commands: {}, path: "/bin:/usr/bin", homeRoot });
  const spec = (instance: string, run: number) => ({
    name: `windshift-${instance}-run-${run}-1-agent`,
    labels: jobLabels(instance, run, 1, "agent"),
    image: "none",
    command: ["true"],
    env: {},
    workspace: { dir: dir.path, readOnly: false },
    network: "none",
  });
  await make().create(spec("mine", 1));
  await make().create(spec("another", 2));
  const left = (await readdir(homeRoot)).sort();
  await mkdir(join(homeRoot, "not-a-home"));

  const restarted = make();
  await restarted.create(spec("mine", 3));
  const own = (await readdir(homeRoot)).filter((name) => !left.includes(name));
  await restarted.sweep({ [INSTANCE_LABEL]: "mine" }, []);
  const anothers = left.filter((name) => name.includes("-another-"));
  expect(anothers).toHaveLength(1);
  expect((await readdir(homeRoot)).sort()).toEqual([...own, ...anothers].sort());
});
