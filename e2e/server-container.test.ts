import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ApiClient } from "@windshift/api-client/api-client.ts";
import { exec } from "@windshift/base/exec.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { readScenarios } from "@windshift/testing/scenario.ts";
import { startScriptedModel } from "@windshift/testing/scripted-model.ts";
import { buildWorkspace, setUpServer } from "@windshift/testing/workspace-builder.ts";
import { docker, dockerProgram } from "../scripts/image/docker.ts";
import { ensureProgramImage, PROGRAM_IMAGES } from "../scripts/image/program-images.ts";
import { childEnv } from "../scripts/setup/child-env.ts";
import { freePort } from "../scripts/setup/free-port.ts";
import { type ComposeService, composeArgv, composeService } from "./compose-file.ts";
import { engineVolume } from "./engine-volume.ts";
import { ADMIN } from "./product.ts";

/** The server's image as the Compose files start it, on this machine's engine. */
const AGENT_IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";
const PREPARE_MS_MAX = 600_000;
const RUN_MS_MAX = 120_000;
/** Far above what an idle server takes. */
const LIMIT_BYTES = 1_073_741_824;
/** What is used is this share of a limit that it is near to: between the one from which a server is short and its end. */
const NEAR_SHARE = 0.95;
/** A server looks at its memory twice a second; a loaded machine may take longer, ms. */
const LOOKED_MS_MAX = 3_000;
const SEEN_MS_MAX = 30_000;
const FOLDER = "/var/lib/windshift";
const KEY = "provider-key-of-the-container-test";

const compose = (name: string) =>
  readFileSync(join(import.meta.dir, `../deploy/compose/${name}.yaml`), "utf8");
let image: string;
beforeAll(async () => {
  image = await ensureProgramImage(PROGRAM_IMAGES.server, { log: () => undefined });
}, PREPARE_MS_MAX);

const started: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
}, RUN_MS_MAX);

/** Starts a service on the host's network, under an address of its own. @returns the container */
async function up(service: ComposeService, port: number): Promise<string> {
  const environment = {
    ...service.environment,
    WINDSHIFT_PORT: String(port),
  };
  const argv = composeArgv({ ...service, environment, volumes: service.volumes });
  const run = await exec([dockerProgram(), "run", "--detach", "--network", "host", ...argv], {
    timeoutMs: RUN_MS_MAX,
    env: childEnv(environment),
  });
  expect([run.exitCode, run.stderr]).toEqual([0, ""]);
  const container = run.stdout.trim();
  started.push(() => docker(["rm", "--force", "--volumes", container], { timeoutMs: RUN_MS_MAX }));
  await eventually("the server is ready", () => answers(`http://127.0.0.1:${port}/readyz`), 30_000);
  return container;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

async function inspect<T>(container: string, format: string): Promise<T> {
  const { stdout } = await docker(["inspect", "--format", format, container], { timeoutMs: RUN_MS_MAX });
  return JSON.parse(stdout);
}

describe("SO-03 the server beside runner hosts, as server.yaml starts it", () => {
  test("says which setting is missing, and holds no secret", () => {
    expect(() => composeService(compose("server"), {})).toThrow("BASE_URL: set it to the address");
    for (const name of ["server", "server-local", "postgres", "tls"])
      expect(compose(name)).not.toMatch(/ws[tr]?[a-z]*_[A-Za-z0-9]{20}/);
  });

  test(
    "is not root, can write to its data alone, has no engine, and serves pages and the runner's installer",
    async () => {
      const port = await freePort();
      const baseUrl = `http://127.0.0.1:${port}`;
      const service = composeService(compose("server"), { BASE_URL: baseUrl, WINDSHIFT_SERVER_IMAGE: image });
      expect(service.volumes).toEqual([`windshift-data:${FOLDER}`]);
      // An unnamed volume, which goes away with the container.
      const container = await up({ ...service, volumes: [FOLDER] }, port);
      expect(await inspect(container, "{{json .HostConfig.ReadonlyRootfs}}")).toBe(true);
      expect(await inspect<string[]>(container, "{{json .HostConfig.CapDrop}}")).toEqual(["ALL"]);
      expect(await inspect<string>(container, "{{json .Config.User}}")).toBe("10001:10001");
      const mounts = await inspect<{ Destination: string }[]>(container, "{{json .Mounts}}");
      expect(mounts.map(({ Destination }) => Destination)).toEqual([FOLDER]);
      const inside = await docker(
        [
          "exec",
          container,
          "sh",
          "-c",
          "id -u; touch /x /usr/x 2>&1 | wc -l; ls /var/run/docker.sock 2>&1 | wc -l",
        ],
        {
          timeoutMs: RUN_MS_MAX,
        },
      );
      expect(inside.stdout).toStartWith("10001\n2\n");
      const page = await (await fetch(`${baseUrl}/login`)).text();
      const script = /src="(\/assets\/main-[^"]+)"/.exec(page)?.[1] ?? "none";
      expect((await fetch(baseUrl + script)).headers.get("content-type")).toContain("javascript");
      expect(await (await fetch(`${baseUrl}/api/runner-install.sh`)).text()).toMatch(/windshift-triage/);
      await setUpServer(new ApiClient(baseUrl), ADMIN);
    },
    RUN_MS_MAX,
  );
});

test(
  "F40 a server near the limit of its container begins no costly work until it has more, and stays alive",
  async () => {
    const port = await freePort();
    const baseUrl = `http://127.0.0.1:${port}`;
    const token = "metrics-token-of-the-container-test";
    const service = composeService(compose("server"), { BASE_URL: baseUrl, WINDSHIFT_SERVER_IMAGE: image });
    Object.assign(service.environment, { WINDSHIFT_METRICS_TOKEN: token });
    const container = await up({ ...service, volumes: [FOLDER] }, port);
    const figure = async (name: string) => {
      const reply = await fetch(`${baseUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } });
      return Number(new RegExp(`^${name} (.+)$`, "m").exec(await reply.text())?.[1] ?? Number.NaN);
    };
    const limit = async (bytes: number) => {
      const memory = String(Math.round(bytes));
      const argv = ["update", "--memory", memory, "--memory-swap", memory, container];
      expect((await docker(argv, { timeoutMs: RUN_MS_MAX })).exitCode).toBe(0);
      return memory;
    };
    const stream = async () => (await fetch(`${baseUrl}/api/v1/notifications/stream`)).status;
    const roomy = await limit(LIMIT_BYTES);
    const isLimited = async () =>
      (await figure('windshift_memory_limit_bytes{of="cgroup"}')) === Number(roomy);
    await eventually("the limit is seen", isLimited, SEEN_MS_MAX);
    expect(await stream()).toBe(401);
    const isShort = async () => {
      // Again, as what it uses becomes less when it clears out. A part of it is the program's file, which the kernel can take back.
      await limit((await figure("windshift_memory_used_bytes")) / NEAR_SHARE);
      return eventually("it is short", async () => (await stream()) === 503, LOOKED_MS_MAX).catch(
        () => false,
      );
    };
    await eventually("new streams are turned away", isShort, SEEN_MS_MAX);
    expect((await fetch(`${baseUrl}/healthz`)).status).toBe(200);
    expect(await figure("windshift_memory_short")).toBe(1);
    await limit(LIMIT_BYTES);
    await eventually("they are taken again", async () => (await stream()) === 401, SEEN_MS_MAX);
    expect(await inspect(container, "{{json .State.OOMKilled}}")).toBe(false);
  },
  RUN_MS_MAX,
);

describe("the server with the host's engine, as server-local.yaml starts it", () => {
  test(
    "takes a work item to its draft pull request",
    async () => {
      const network = await ensureAgentNetwork("windshift-e2e", process.env);
      const volume = await engineVolume();
      started.push(async () => volume[Symbol.asyncDispose]());
      const [scenario] = readScenarios(join(import.meta.dir, "scenarios"));
      if (scenario === undefined) throw new Error("there are no scenarios");
      const model = await startScriptedModel({ script: scenario.model, apiKey: KEY });
      started.push(() => model.stop());
      const port = await freePort();
      const baseUrl = `http://${network.hostAddress}:${port}`;
      const service = composeService(compose("server-local").replaceAll(FOLDER, volume.path), {
        BASE_URL: baseUrl,
        WINDSHIFT_SERVER_IMAGE: image,
        CODING_AGENT_RUNNER_IMAGE: AGENT_IMAGE,
        CODING_AGENT_NETWORK: network.name,
      });
      Object.assign(service.environment, { WINDSHIFT_DATA: volume.path, CODING_AGENT_MEMORY: "1g" });
      Object.assign(service.environment, { WINDSHIFT_PRIVATE_HOSTS: new URL(model.url).host });
      const container = await up(service, port);
      const api = new ApiClient(baseUrl);
      await setUpServer(api, ADMIN);
      const workspace = await buildWorkspace(api, {
        key: "BOX",
        name: "Box",
        projectDir: scenario.projectDir,
        repositoryName: "project",
        agentName: "Agent",
        llm: { baseUrl: model.url, apiKey: KEY, model: "scripted-model" },
      });
      const item = await workspace.createItem(
        { title: "In a container", description: "Make `sh test.sh` pass." },
        true,
      );
      const run = await eventually(
        "the run has ended",
        async () => {
          const { runs } = await api.get(`/api/v1/items/${item.key}/agent-runs`, AgentRunList);
          const [newest] = runs;
          return newest !== undefined && isTerminal(newest.status)
            ? api.get(`/api/v1/agent-runs/${newest.id}`, AgentRunDetail)
            : undefined;
        },
        60_000,
      );
      const log = await docker(["logs", "--tail", "20", container], { timeoutMs: RUN_MS_MAX });
      expect([run.status, run.reason, run.detail, run.status === "succeeded" ? "" : log.stdout]).toEqual([
        "succeeded",
        "completed",
        null,
        "",
      ]);
      expect(run.pull_request).toMatchObject({ draft: true, state: "open" });
    },
    RUN_MS_MAX,
  );
});
