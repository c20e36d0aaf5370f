import { expect, test } from "bun:test";
import { join } from "node:path";
import { FINISH, TurnModel } from "@windshift/agent/testing/turn-model.ts";
import { systemClock } from "@windshift/base/clock.ts";
import { AGENT_GID, AGENT_UID } from "@windshift/execution/docker-argv.ts";
import { DockerSandbox } from "@windshift/execution/docker-sandbox.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { jobFixture } from "@windshift/testing/job-fixture.ts";
import { LocalCheckout } from "@windshift/testing/local-checkout.ts";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { buildOutput, docker } from "./docker.ts";
import { ensureForeignImage } from "./foreign-images.ts";

const TOOLCHAIN_IMAGE = "windshift/foreign-agent:local";
/** The toolchain's image may have to be built first, ms. */
const TEST_MS_MAX = 300_000;

const PROGRAM = "print(sum(range(5)))\n";
const COMMAND = "python3 sum.py && ws --version && git add -A && git commit -qm 'Add up'";

test(
  "a job runs in a team's own image made with Dockerfile.toolchain, and its commits come out",
  async () => {
    const toolchain = await ensureForeignImage("glibc", () => undefined);
    const engine = await dockerFixture();
    await build(toolchain, engine.image);
    const fixture = await jobFixture("", { clock: systemClock });
    await using model = await TurnModel.start([
      { calls: [["write_file", { path: "sum.py", content: PROGRAM }]] },
      { calls: [["bash", { command: COMMAND }]] },
      FINISH,
    ]);
    const { deps, job } = fixture;
    // As in production: only images with the agent contract's label, and everything that is done in a container is done in it.
    const sandbox = new DockerSandbox({
      ...engine.options,
      helperImage: TOOLCHAIN_IMAGE,
      agentImagesOnly: true,
    });
    const owner = { uid: AGENT_UID, gid: AGENT_GID };
    const checkout = await LocalCheckout.make(
      await fixture.makeFolder(),
      (dir) => sandbox.removeDir(dir),
      owner,
    );
    Object.assign(deps, { sandbox, checkout });
    Object.assign(deps.settings, {
      image: TOOLCHAIN_IMAGE,
      network: "host", // the model listens on this machine's loopback address
      command: ["windshift-agent"],
    });
    Object.assign(job.env, { LLM_BASE_URL: model.url, LLM_MODEL: "m", AGENT_RUN_ID: "1234" });

    const end = await fixture.run();

    expect(end).toMatchObject({
      kind: "reported",
      result: { failure: null, isolation: "container", summary: "all done", exit_code: 0 },
    });
    expect(model.toolResult(2)).toMatch(/^10\nws \d/);
    const pushed = await gitOut(["log", "-1", "--format=%an%n%B", job.repo.branch], checkout.forge);
    expect(pushed).toBe("windshift-agent\nAdd up\n\nWindshift-Run: 1234");
    expect(await gitOut(["show", `${job.repo.branch}:sum.py`], checkout.forge)).toBe(PROGRAM.trim());
    await fixture.dispose();
    await docker(["image", "rm", TOOLCHAIN_IMAGE], { timeoutMs: TEST_MS_MAX });
  },
  TEST_MS_MAX,
);

/** The recipe as the documentation gives it, for our image and the toolchain's. */
async function build(toolchain: string, agent: string): Promise<void> {
  const recipe = join(REPOSITORY_ROOT, "deploy/docker/Dockerfile.toolchain");
  const images = ["--build-arg", `TOOLCHAIN_IMAGE=${toolchain}`, "--build-arg", `AGENT_IMAGE=${agent}`];
  // The recipe takes nothing from its context, so the smallest folder there is will do.
  const args = ["build", "--network", "none", "--file", recipe, ...images, "--tag", TOOLCHAIN_IMAGE];
  const result = await docker([...args, join(REPOSITORY_ROOT, "deploy/docker")], { timeoutMs: TEST_MS_MAX });
  if (result.exitCode !== 0) throw new Error(`docker build failed:\n${buildOutput(result)}`);
}
