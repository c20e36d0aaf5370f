import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RunnerPoolsReply } from "@windshift/contract/api/pool.ts";
import { AgentRunDetail, AgentRunList } from "@windshift/contract/api/run.ts";
import { isTerminal } from "@windshift/contract/run.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { type HostContainer, startHostContainer } from "../scripts/image/host-container.ts";
import { type EngineVolume, engineVolume } from "./engine-volume.ts";
import { type InstalledProduct, startInstalledProduct } from "./installed-product.ts";

/** The line from the pool's page, on a Debian host with systemd that has nothing of ours. */
const IMAGE = process.env.WINDSHIFT_TEST_IMAGE || "windshift/agent:local";
const PREPARE_MS_MAX = 300_000;
const RUN_MS_MAX = 120_000;
const CONFIG = "/etc/windshift-runner/runner.env";

let product: InstalledProduct;
let volume: EngineVolume;
let host: HostContainer;

beforeAll(async () => {
  product = await startInstalledProduct("runner-install");
  volume = await engineVolume();
  host = await startHostContainer({ network: product.network.name, mounts: [volume.mount] });
  // Somebody who may use sudo, as on most hosts.
  const sudoer = "useradd ada && echo 'ada ALL=(ALL) NOPASSWD:SETENV: ALL' > /etc/sudoers.d/ada";
  expect((await host.sh(sudoer)).exitCode).toBe(0);
}, PREPARE_MS_MAX);
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await volume?.[Symbol.asyncDispose]();
  await product?.stop();
}, 60_000);

/** Types the line into a shell of that person. */
function typeLine(line: string, env: Record<string, string> = {}) {
  const script = `exec setpriv --reuid ada --regid ada --init-groups sh -c 'eval "$LINE"'`;
  return host.sh(script, { LINE: line, ...env });
}

const settings = () => ({
  WSRUNNER_ALLOW_INSECURE: "1",
  WSRUNNER_IMAGE: IMAGE,
  WSRUNNER_NAME: "installed-1",
  WSRUNNER_NETWORK: product.network.name,
  WSRUNNER_MEMORY: "1g",
  WSRUNNER_CACHE_ROOT: `${volume.path}/cache`,
});

describe("the line that installs a runner", () => {
  test("says what is missing, and installs nothing: https, a token", async () => {
    const { token, install_command: line } = await product.mint("refused");
    const plain = await typeLine(line);
    expect([plain.exitCode, plain.stderr]).toEqual([1, expect.stringContaining("is not https://")]);
    const tokenless = await typeLine(line.replace(/^export [^;]*; /, ""), settings());
    expect([tokenless.exitCode, tokenless.stderr]).toEqual([
      1,
      expect.stringContaining("WSRUNNER_REGISTRATION_TOKEN is not set"),
    ]);
    const wrong = await typeLine(line.replace(token, "wsrc_something"), settings());
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("starts with wsrt_")]);
    expect(
      (await host.sh(`ls ${CONFIG} /usr/local/bin/windshift-runner /etc/systemd/system/windshift*`)).stdout,
    ).toBe("");
  }, 180_000);

  test("refuses a program that is not the one the server described", async () => {
    const { install_command: line } = await product.mint("forged");
    const forged = line.replace(
      "| sudo",
      "| sed 's|^CHECKSUMS=.*/windshift-runner |&0|; s|windshift-triage [0-9a-f]|windshift-triage x|' | sudo",
    );
    const { exitCode, stderr } = await typeLine(forged, settings());
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("its SHA-256 differs")]);
    expect((await host.sh("ls /usr/local/bin")).stdout).toBe("");
  }, 180_000);

  test(
    "installs the server's own programs, registers, and the service does a job on the host's engine",
    async () => {
      const { token, install_command: line } = await product.mint("installed");
      const { exitCode, stdout, stderr } = await typeLine(line, settings());
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      expect(stdout).toContain(`Done: the runner is registered with ${product.baseUrl}`);
      expect(stdout).not.toContain(token);
      expect((await host.sh("systemctl is-active windshift-runner")).stdout.trim()).toBe("active");

      const item = await product.workspace.createItem(
        { title: "On an installed host", description: "Make `sh test.sh` pass." },
        true,
      );
      const run = await eventually("the run ends", () => endedRun(item.key), RUN_MS_MAX);
      const journal = (await host.sh("journalctl --no-pager -o cat -u windshift-runner")).stdout;
      const logs = run.status === "succeeded" ? "" : `${journal}\n${await product.log()}`;
      expect([run.status, run.reason, run.detail, logs]).toEqual(["succeeded", "completed", null, ""]);
      const { pools } = await product.api.get("/api/v1/admin/diagnostics/runner-pools", RunnerPoolsReply);
      const pool = pools.find((one) => one.pool === "installed");
      expect(pool?.runners.map(({ name }) => name)).toEqual(["installed-1"]);
      expect(journal).not.toContain(token);
      expect((await host.sh(`stat -c '%a %U' ${CONFIG}`)).stdout.trim()).toBe("600 root");
      expect((await host.sh(`grep -lE 'wsr[tc]_' /proc/[0-9]*/cmdline`)).stdout).toBe("");
    },
    RUN_MS_MAX + 120_000,
  );

  test("run again updates what is there, keeps the registration, and the service drains at its stop", async () => {
    const before = await host.sh(`cat ${CONFIG} ${volume.path}/cache/credential`);
    const again = await typeLine(`curl -fsSL ${product.baseUrl}/api/runner-install.sh | sudo -E sh`, {
      WSRUNNER_ALLOW_INSECURE: "1",
    });
    expect([again.exitCode, again.stderr]).toEqual([0, ""]);
    expect((await host.sh(`cat ${CONFIG} ${volume.path}/cache/credential`)).stdout).toBe(before.stdout);
    const stopped = await host.sh(
      "systemctl stop windshift-runner; systemctl show --value -p Result windshift-runner",
    );
    expect(stopped.stdout.trim()).toBe("success");
  }, 180_000);
});

async function endedRun(item: string): Promise<AgentRunDetail | undefined> {
  const { runs } = await product.api.get(`/api/v1/items/${item}/agent-runs`, AgentRunList);
  const [run] = runs;
  if (run === undefined || !isTerminal(run.status)) return undefined;
  return product.api.get(`/api/v1/agent-runs/${run.id}`, AgentRunDetail);
}
