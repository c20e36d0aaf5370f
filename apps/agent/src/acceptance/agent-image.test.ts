import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { createRepository, gitOut } from "@windshift/testing/git-repository.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { FINISH, TurnModel } from "../testing/turn-model.ts";

const IMAGE = process.env.WINDSHIFT_TEST_IMAGE ?? "windshift/agent:local";
/** A container starts in half a second. */
const RUN_MS_MAX = 60_000;
/** As runs have it, but for the network: the model listens on this machine's loopback address. */
const CONFINED = [
  ...["--user", "1000:1000", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
  ...["--tmpfs", "/tmp", "--tmpfs", "/home/agent:uid=1000,gid=1000", "--network", "host"],
];

test(
  "the image works through a run in a confined container and commits with the run's trailers",
  async () => {
    using dir = tempDir();
    const checkout = join(dir.path, "checkout");
    mkdirSync(checkout);
    await createRepository(checkout, { files: { "greet.sh": "#!/bin/sh\necho helo\n" } });
    // The container's user is not ours.
    expect((await run(["chown", "-R", "1000:1000", checkout])).exitCode).toBe(0);
    await using model = await TurnModel.start([
      { calls: [["edit_file", { path: "greet.sh", edits: [{ old_text: "helo", new_text: "hello" }] }]] },
      { calls: [["bash", { command: "sh greet.sh && ws --version && git commit -qam 'Spell hello'" }]] },
      FINISH,
    ]);
    const env = {
      LLM_BASE_URL: model.url,
      LLM_MODEL: "m",
      LLM_API_KEY: "k",
      AGENT_RUN_ID: "7",
      WINDSHIFT_ITEM_KEY: "DEMO-1",
    };
    const child = Bun.spawn(
      [
        ...["docker", "run", "--rm", "--interactive", ...CONFINED],
        ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
        ...["--volume", `${checkout}:/workspace`, IMAGE],
      ],
      { stdin: "pipe", stdout: "pipe", stderr: "pipe" },
    );
    child.stdin.write('{"type":"prompt","message":"fix the greeting"}\n');
    child.stdin.flush();
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect({ exitCode: await child.exited, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain('"outcome":"completed"');
    expect(model.toolResult(2)).toMatch(/^hello\nws \d/);
    expect(
      (await run(["chown", "-R", `${process.getuid?.()}:${process.getgid?.()}`, checkout])).exitCode,
    ).toBe(0);
    expect(await gitOut(["log", "-1", "--format=%an%n%B"], checkout)).toBe(
      "windshift-agent\nSpell hello\n\nWindshift-Run: 7\nWindshift-Item: DEMO-1",
    );
  },
  RUN_MS_MAX,
);

/** Runs a command as root inside the image, where this machine's user may not be allowed to. */
function run(argv: string[]) {
  const mount = ["--volume", `${argv.at(-1)}:${argv.at(-1)}`];
  const docker = ["docker", "run", "--rm", "--network", "none", "--user", "0:0", ...mount];
  const [program = "", ...args] = argv;
  return exec([...docker, "--entrypoint", program, IMAGE, ...args], {
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "/",
      ...(process.env.DOCKER_HOST ? { DOCKER_HOST: process.env.DOCKER_HOST } : {}),
    },
    timeoutMs: RUN_MS_MAX,
  });
}
