import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ExecResult, exec } from "@windshift/base/exec.ts";
import { eventually } from "@windshift/testing/eventually.ts";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { freshProgram } from "../build/fresh-program.ts";
import { hostArchitecture, RUNNER_PROGRAMS, type Target } from "../build/programs.ts";
import { childEnv } from "../setup/child-env.ts";
import { docker, dockerProgram } from "./docker.ts";
import { ensureForeignImage } from "./foreign-images.ts";
import { ensureHostImage } from "./host-image.ts";

/** Images and programs may have to be built first, ms. */
const TEST_MS_MAX = 300_000;
/** One command inside, ms. */
const COMMAND_MS_MAX = 120_000;
const CONFIG = "/etc/windshift-runner/runner.env";
const TOKEN = `wsrt_${"a".repeat(43)}`;
/** Nothing listens there: the runner fails to register. */
const NOWHERE = {
  WS_API_URL: "http://127.0.0.1:9/api",
  WSRUNNER_ALLOW_INSECURE: "1",
  WSRUNNER_IMAGE: "windshift/agent:local",
  WSRUNNER_REGISTRATION_TOKEN: TOKEN,
  WSRUNNER_DRAIN_TIMEOUT: "1h30m",
};

let name = "";
afterEach(async () => {
  await docker(["rm", "--force", "--volumes", name], { timeoutMs: COMMAND_MS_MAX });
});

/** A container without a network, with deploy/ and the programs for a target; its first process takes in orphans. */
async function start(image: string, target: Target): Promise<void> {
  for (const program of RUNNER_PROGRAMS) await freshProgram(program, target, () => undefined);
  name = `windshift-install-${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
  const mounts = [
    ...["--volume", `${join(REPOSITORY_ROOT, "deploy")}:/deploy:ro`],
    ...["--volume", `${join(REPOSITORY_ROOT, "dist", target)}:/programs:ro`],
    ...["--volume", `${join(REPOSITORY_ROOT, "dist", hostArchitecture())}:/glibc:ro`],
  ];
  const idle = ["sh", "-c", "while :; do sleep 1; done"];
  const args = ["run", "--detach", "--name", name, "--network", "none", ...mounts, image, ...idle];
  const { exitCode, stderr } = await docker(args, { timeoutMs: COMMAND_MS_MAX });
  expect([exitCode, stderr]).toEqual([0, ""]);
}

function sh(script: string, env: Record<string, string> = {}): Promise<ExecResult> {
  const names = Object.keys(env).flatMap((key) => ["--env", key]);
  const argv = [dockerProgram(), "exec", ...names, name, "sh", "-uc", script];
  return exec(argv, { env: childEnv(env), timeoutMs: COMMAND_MS_MAX });
}

describe("install.sh elsewhere", () => {
  test(
    "in busybox's shell makes a service of OpenRC that has its settings, is started again, and drains at its stop",
    async () => {
      await start(await ensureHostImage(() => undefined, "openrc"), hostArchitecture());
      const install = "busybox ash /deploy/install.sh --bin-dir /programs";
      const first = await sh(`groupadd docker; ${install}`, NOWHERE);
      expect([first.exitCode, first.stderr]).toEqual([0, ""]);
      expect(first.stdout).toContain("rc-service windshift-runner start");
      const made = `cat ${CONFIG} /etc/init.d/windshift-runner; stat -c '%A %U' ${CONFIG} /etc/init.d/windshift-runner; rc-update show`;
      const before = await sh(made);
      expect(before.stdout).toContain("-rw------- root\n-rwxr-xr-x root\n");
      expect(before.stdout).toContain('\nretry="SIGTERM/5520/SIGKILL/10"\n');
      expect(before.stdout).toMatch(/windshift-runner \|\s+default/);
      expect((await sh(install)).exitCode).toBe(0);
      expect((await sh(made)).stdout).toBe(before.stdout);

      const started = await sh(
        "mkdir -p /run/openrc; touch /run/openrc/softlevel; rc-service windshift-runner start",
      );
      expect(started.exitCode).toBe(0);
      const log = async () => (await sh("cat /var/log/windshift-runner.log")).stdout;
      await eventually(
        "it tried twice",
        async () => (await log()).split("http://127.0.0.1:9/api cannot be reached").length > 2,
        COMMAND_MS_MAX,
      );
      expect((await sh("grep -l [w]srt_ /proc/[0-9]*/cmdline")).stdout).toBe("");
      expect((await sh("rc-service windshift-runner stop")).exitCode).toBe(0);
      expect((await sh("grep -l ^/usr/local/bin/windshift-runner /proc/[0-9]*/cmdline")).stdout).toBe("");
    },
    TEST_MS_MAX,
  );

  test(
    "on musl takes the programs for musl, refuses the others, and says what to start where there is no service manager",
    async () => {
      await start(await ensureForeignImage("musl", () => undefined), `${hostArchitecture()}-musl`);
      // The image has no users and no engine: what a person would have installed before.
      const prepared = await sh(`
        printf 'root:x:0:0::/:/bin/sh\\nwindshift-runner:x:990:990::/:/bin/false\\n' > /etc/passwd
        printf 'root:x:0:\\nwindshift-runner:x:990:\\ndocker:x:991:windshift-runner\\n' > /etc/group
        printf '#!/bin/sh\\n' > /usr/local/bin/docker
        printf '#!/bin/sh\\necho flock from util-linux\\n' > /usr/local/bin/flock
        chmod +x /usr/local/bin/*`);
      expect([prepared.exitCode, prepared.stderr]).toEqual([0, ""]);
      const wrong = await sh("sh /deploy/install.sh --bin-dir /glibc");
      expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("apk add libstdc++")]);
      const install = "sh /deploy/install.sh --bin-dir /programs";
      const first = await sh(install, NOWHERE);
      expect([first.exitCode, first.stderr]).toEqual([0, ""]);
      expect(first.stdout).toContain("This host has neither systemd nor OpenRC");
      const before = await sh(`cat ${CONFIG}; stat -c '%A %u' ${CONFIG} /var/lib/windshift-runner/cache`);
      expect(before.stdout).toContain(`\nWSRUNNER_REGISTRATION_TOKEN=${TOKEN}\n`);
      expect(before.stdout).toContain("-rw------- 0\ndrwx--x--x 990\n");
      expect((await sh(install)).exitCode).toBe(0);
      expect(
        (await sh(`cat ${CONFIG}; stat -c '%A %u' ${CONFIG} /var/lib/windshift-runner/cache`)).stdout,
      ).toBe(before.stdout);
      const ran = await sh("windshift-triage --version && exec windshift-runner");
      expect(ran.stdout).toMatch(/^windshift-triage \d/);
      expect([ran.exitCode, ran.stderr]).toEqual([2, expect.stringContaining("WS_API_URL: set it to")]);
    },
    TEST_MS_MAX,
  );
});
