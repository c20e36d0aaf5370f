import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDurationMs } from "@windshift/base/duration.ts";
import { exec } from "@windshift/base/exec.ts";
import type { MintedRegistrationToken } from "@windshift/contract/api/pool.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { runnerSettings } from "@windshift/runner/config.ts";
import { docker, dockerProgram } from "../scripts/image/docker.ts";
import { ensureProgramImage, PROGRAM_IMAGES } from "../scripts/image/program-images.ts";
import { programImageBom } from "../scripts/image/sbom/program-image-bom.ts";
import { SpdxSchema } from "../scripts/image/sbom/spdx-fixture.ts";
import { childEnv } from "../scripts/setup/child-env.ts";
import { composeArgv, composeService } from "./compose-file.ts";
import { type EngineVolume, engineVolume } from "./engine-volume.ts";
import { type InstalledProduct, startInstalledProduct } from "./installed-product.ts";

/** The runner's image as deploy/compose/runner.yaml starts it, on this machine's engine. */
const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";
const COMPOSE = readFileSync(join(import.meta.dir, "../deploy/compose/runner.yaml"), "utf8");
const FOLDER = "/var/lib/windshift-runner";
const PREPARE_MS_MAX = 300_000;
const RUN_MS_MAX = 120_000;

describe("the Compose file of a runner", () => {
  const env = { WS_API_URL: "https://windshift.example.com/api" };

  test("has no secret and no address in it, and says what must be set", () => {
    expect(() => composeService(COMPOSE, {})).toThrow(
      "WS_API_URL: set it to the address of the server's API",
    );
    expect(COMPOSE).not.toMatch(/wsr[tc]_[A-Za-z0-9]/);
    expect(composeService(COMPOSE, env).environment.WSRUNNER_REGISTRATION_TOKEN).toBe("");
  });

  test("mounts the engine's socket, or rootful Podman's as its comment has it, and the folder at the same path", () => {
    const sources = (text: string) => composeService(text, env).volumes;
    expect(sources(COMPOSE)).toEqual(["/var/run/docker.sock:/var/run/docker.sock", `${FOLDER}:${FOLDER}`]);
    const podman = COMPOSE.replace(/^ *- \/var\/run\/docker\.sock.*$/m, "").replace(
      "# - /run/podman",
      "- /run/podman",
    );
    expect(sources(podman)).toEqual(["/run/podman/podman.sock:/var/run/docker.sock", `${FOLDER}:${FOLDER}`]);
  });

  test("gives a drain the time the runner takes for it", () => {
    const graceMs = parseDurationMs(composeService(COMPOSE, env).stop_grace_period);
    expect(graceMs).toBe(runnerSettings.drainTimeoutMs.schema.parse(undefined) + 120_000);
  });
});

describe("a runner in a container", () => {
  let product: InstalledProduct;
  let volume: EngineVolume;
  let runnerImage: string;
  let minted: MintedRegistrationToken;
  beforeAll(async () => {
    runnerImage = await ensureProgramImage(PROGRAM_IMAGES.runner, { log: () => undefined });
    product = await startInstalledProduct("runner-container");
    volume = await engineVolume();
    minted = await product.mint("container");
  }, PREPARE_MS_MAX);
  afterAll(async () => {
    await volume?.[Symbol.asyncDispose]();
    await product?.stop();
  }, 60_000);

  test("its image has a bill of materials: Debian's packages, both programs and what they hold", async () => {
    const text = await programImageBom(PROGRAM_IMAGES.runner, runnerImage, "1.2.3");
    const { packages } = SpdxSchema.parse(JSON.parse(text));
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["windshift-runner", "windshift-triage", "bun", "git", "zod"]),
    );
    expect(names).not.toContain("windshift-agent");
  }, 120_000);

  /** Starts what the Compose file says, its folder in another place of the host, for one job. */
  async function up(change: (compose: string) => string) {
    const values = {
      WS_API_URL: `${product.baseUrl}/api`,
      WSRUNNER_REGISTRATION_TOKEN: minted.token,
      WSRUNNER_IMAGE: IMAGE,
      WSRUNNER_NETWORK: product.network.name,
      WSRUNNER_NAME: "container-1",
      WINDSHIFT_RUNNER_IMAGE: runnerImage,
    };
    const service = composeService(change(COMPOSE), values);
    const more = { WSRUNNER_ALLOW_INSECURE: "1", WSRUNNER_ONCE: "1", WSRUNNER_MEMORY: "1g" };
    Object.assign(service.environment, more);
    const argv = ["run", "--rm", "--network", product.network.name, ...composeArgv(service)];
    expect(argv.join(" ")).not.toContain(minted.token);
    const env = childEnv(service.environment);
    return exec([dockerProgram(), ...argv], { env, timeoutMs: RUN_MS_MAX });
  }

  test(
    "whose folder is another one on the host refuses to start, says what to mount, and spends no token",
    async () => {
      const elsewhere = `${FOLDER}/of-this-container`;
      const { exitCode, stderr } = await up((compose) =>
        compose
          .replace(`- ${FOLDER}:${FOLDER}`, `- ${volume.path}:${elsewhere}`)
          .replaceAll(`${FOLDER}/cache`, `${elsewhere}/cache`),
      );
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining("does not see the folder")]);
      expect(stderr).toContain(`start it with --volume ${elsewhere}/cache:${elsewhere}/cache`);
    },
    RUN_MS_MAX,
  );

  test(
    "registers, does one job beside itself on the host's engine, and ends",
    async () => {
      const item = await product.workspace.createItem(
        { title: "In a container", description: "Make `sh test.sh` pass." },
        true,
      );
      const { exitCode, stdout, stderr } = await up((compose) => compose.replaceAll(FOLDER, volume.path));
      expect([exitCode, stderr, exitCode === 0 ? "" : stdout]).toEqual([0, "", ""]);
      const { runs } = await product.api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
      const run = await product.api.get(`/api/v1/agent-runs/${runs[0]?.id}`, AgentRunDetail);
      expect([run.status, run.reason, run.detail]).toEqual(["succeeded", "completed", null]);
      expect(stdout).not.toContain(minted.token);
    },
    RUN_MS_MAX,
  );

  test("has git, the engine's command line and both programs in its image, and no secret", async () => {
    const script =
      "git --version && docker --version && windshift-runner --version && windshift-triage --version";
    const argv = ["run", "--rm", "--network", "none", "--entrypoint", "sh", runnerImage, "-ec", script];
    const { exitCode, stdout } = await docker(argv, { timeoutMs: RUN_MS_MAX });
    expect([exitCode, stdout.trim().split("\n").length]).toEqual([0, 4]);
    const inspect = [
      "image",
      "inspect",
      "--format",
      "{{json .Config.Env}} {{json .Config.Labels}}",
      runnerImage,
    ];
    const config = (await docker(inspect, { timeoutMs: RUN_MS_MAX })).stdout;
    expect(config).not.toMatch(/TOKEN|CREDENTIAL|wsr[tc]_/);
  });
});
