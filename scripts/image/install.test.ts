import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@windshift/testing/eventually.ts";
import { REPOSITORY_ROOT } from "../build/compile.ts";
import { type HostContainer, startHostContainer } from "./host-container.ts";

/** The image of the host and the programs may have to be built first, ms. */
const PREPARE_MS_MAX = 300_000;
const TEST_MS_MAX = 180_000;
/** For what takes seconds on an idle machine, ms. */
const LOADED_MS_MAX = 60_000;
const CONFIG = "/etc/windshift-runner/runner.env";
const UNIT = "/etc/systemd/system/windshift-runner.service";
const INSTALL = "sh /deploy/install.sh --bin-dir /programs";
/** A folder of the same programs with checksums beside them. */
const WITH_SUMS = "rm -rf /sums; mkdir /sums; cd /sums; ln -s /programs/* .;";
/** Nothing listens there: the runner starts, fails to register, and ends with the code of what may be tried again. */
const NOWHERE = {
  WS_API_URL: "http://127.0.0.1:9/api",
  WSRUNNER_ALLOW_INSECURE: "1",
  WSRUNNER_IMAGE: "windshift/agent:local",
  WSRUNNER_REGISTRATION_TOKEN: `wsrt_${"a".repeat(43)}`,
  WSRUNNER_DRAIN_TIMEOUT: "1h30m",
};

let host: HostContainer;
const made: HostContainer[] = [];
beforeAll(async () => {
  host = await startHostContainer();
  made.push(host);
}, PREPARE_MS_MAX);
afterAll(async () => {
  for (const one of made) await one[Symbol.asyncDispose]();
}, TEST_MS_MAX);

/** What a script prints; it must succeed. */
async function out(script: string, env?: Record<string, string>): Promise<string> {
  const { exitCode, stdout, stderr } = await host.sh(script, env);
  expect({ script, exitCode, stderr }).toEqual({ script, exitCode: 0, stderr: "" });
  return stdout.trim();
}

/** Everything the installer made, with modes, owners and content. */
const MADE = `
stat -c '%n %A %U:%G' ${CONFIG} ${UNIT} /usr/local/bin/windshift-* /var/lib/windshift-runner /var/lib/windshift-runner/cache
id windshift-runner; cat ${CONFIG} ${UNIT}; sha256sum /usr/local/bin/windshift-*; ls -A /etc/windshift-runner /usr/local/bin`;

describe("install.sh on Debian with systemd", () => {
  test(
    "refuses a host that lacks something with a sentence that says what to do, and leaves nothing behind",
    async () => {
      const cases: [string, number, string][] = [
        [`setpriv --reuid 65534 --clear-groups ${INSTALL}`, 1, "this needs root; run it with sudo"],
        ["sh /deploy/install.sh", 2, "say where the programs are: --bin-dir DIR"],
        [`${INSTALL} --prefix`, 2, "--prefix needs a value"],
        [`${INSTALL} --force`, 2, "there is no option --force"],
        ["sh /deploy/install.sh --bin-dir /deploy", 1, "windshift-runner is not in /deploy;"],
        [
          `${WITH_SUMS} printf '%064d  windshift-runner\n' 0 > SHA256SUMS; sh /deploy/install.sh --bin-dir /sums`,
          1,
          "/sums/windshift-runner is not what /sums/SHA256SUMS says",
        ],
        [
          `${WITH_SUMS} sha256sum windshift-runner > SHA256SUMS; sh /deploy/install.sh --bin-dir /sums`,
          1,
          "has no checksum of windshift-triage",
        ],
        [
          `${WITH_SUMS} sha256sum windshift-* > SHA256SUMS; WSRUNNER_DOCKER=podman sh /deploy/install.sh --bin-dir /sums`,
          1,
          "there is no podman on this host",
        ],
        [`${INSTALL} --cache-dir cache`, 1, "cache is not an absolute path"],
        [`${INSTALL} --cache-dir '/srv/a b'`, 1, "the path /srv/a b cannot be used"],
        [`${INSTALL} --user 'a$(id)'`, 1, "is not a name for a user"],
        [`WSRUNNER_DOCKER=podman ${INSTALL}`, 1, "there is no podman on this host. Install Docker"],
        [`WSRUNNER_DRAIN_TIMEOUT=soon ${INSTALL}`, 1, "write a duration such as 30m or 1h"],
        [
          `mv /usr/bin/flock /flock; ${INSTALL}; code=$?; mv /flock /usr/bin/flock; exit $code`,
          1,
          "there is no flock",
        ],
        [`mv /usr/bin/git /git; ${INSTALL}; code=$?; mv /git /usr/bin/git; exit $code`, 1, "there is no git"],
        [
          `mv /usr/bin/docker /docker; ${INSTALL}; code=$?; mv /docker /usr/bin/docker; exit $code`,
          1,
          "there is no docker on this host",
        ],
      ];
      for (const [script, code, sentence] of cases) {
        const { exitCode, stderr } = await host.sh(script);
        expect({ script, exitCode, stderr }).toEqual({
          script,
          exitCode: code,
          stderr: expect.stringContaining(sentence),
        });
      }
      const left = await out(`ls -d ${CONFIG} ${UNIT} /usr/local/bin/windshift-* 2>/dev/null; true`);
      expect(left).toBe("");
    },
    TEST_MS_MAX,
  );

  test(
    "refuses programs that do not run on the host, and a setting from the environment that is none",
    async () => {
      const foreign = `mkdir -p /foreign; printf '\\177ELF not for here' > /foreign/windshift-runner
        cp /programs/windshift-triage /foreign/; sh /deploy/install.sh --bin-dir /foreign`;
      const wrong = await host.sh(foreign);
      expect([wrong.exitCode, wrong.stderr]).toEqual([
        1,
        expect.stringContaining("does not run on this host"),
      ]);
      for (const value of ['a"b', "a$(id)", "a b", "a\nWSRUNNER_DOCKER=/tmp/evil", "a'b"]) {
        const { exitCode, stderr } = await host.sh(`${INSTALL} --no-enable`, { WSRUNNER_NAME: value });
        expect([exitCode, stderr]).toEqual([1, expect.stringContaining("WSRUNNER_NAME holds a character")]);
      }
      expect(await out("ls -A /etc/windshift-runner; ls /usr/local/bin")).not.toContain(".new");
      expect(await out(`test ! -e ${CONFIG} && echo none`)).toBe("none");
    },
    TEST_MS_MAX,
  );

  test(
    "installs programs, user, folders, service and a private runner.env, and says what to do next",
    async () => {
      const said = await out(INSTALL);
      expect(said).toContain("Installed windshift-runner ");
      expect(said).toContain(`set WS_API_URL WSRUNNER_IMAGE WSRUNNER_REGISTRATION_TOKEN in ${CONFIG}`);
      expect(said).toContain("systemctl start windshift-runner");
      const all = await out(MADE);
      for (const line of [
        `${CONFIG} -rw------- root:root`,
        `${UNIT} -rw-r--r-- root:root`,
        "/usr/local/bin/windshift-triage -rwxr-xr-x root:root",
        "/var/lib/windshift-runner/cache drwx--x--x windshift-runner:root",
        "(docker)",
      ])
        expect(all).toContain(line);
      expect(await out("systemctl is-enabled windshift-runner")).toBe("enabled");
      const unit = await out(`cat ${UNIT}`);
      expect(`${unit}\n`).toBe(
        readFileSync(join(REPOSITORY_ROOT, "deploy/systemd/windshift-runner.service"), "utf8"),
      );
    },
    TEST_MS_MAX,
  );

  test(
    "run again changes nothing, and never writes to runner.env",
    async () => {
      await out(`printf 'WSRUNNER_CAPACITY=3\\n' >> ${CONFIG}; chmod 0644 ${CONFIG}`);
      const before = await out(`chmod 0600 ${CONFIG}; ${MADE}`);
      await out(`chmod 0644 ${CONFIG}; ${INSTALL}`, { WSRUNNER_CAPACITY: "9" });
      expect(await out(MADE)).toBe(before);
    },
    TEST_MS_MAX,
  );

  test(
    "run with other programs replaces those, one that is at work too, and says how to restart",
    async () => {
      // Stand in for an older release: they run, say a version, and one of them goes on for as long as it is told to.
      await out("mkdir /older; cp /bin/sleep /older/windshift-runner; cp /bin/true /older/windshift-triage");
      const kept = `cat ${CONFIG} ${UNIT}; stat -c '%n %i' ${CONFIG}`;
      const before = await out(kept);
      await out("sh /deploy/install.sh --bin-dir /older");
      await out("/usr/local/bin/windshift-runner 600 > /dev/null 2>&1 & echo $! > /older/pid");
      const said = await out(INSTALL);
      expect(said).toContain("  systemctl restart windshift-runner\n");
      expect(await out("cmp /programs/windshift-runner /usr/local/bin/windshift-runner && echo same")).toBe(
        "same",
      );
      expect(await out("readlink /proc/$(cat /older/pid)/exe")).toContain("(deleted)");
      expect(await out("kill $(cat /older/pid); ls /usr/local/bin")).not.toContain(".new");
      expect(await out(kept)).toBe(before);
    },
    TEST_MS_MAX,
  );

  test(
    "writes a unit that systemd finds no fault with, and that leaves the runner little but the engine",
    async () => {
      const verified = await host.sh(`systemd-analyze verify ${UNIT}`);
      expect([verified.exitCode, verified.stderr]).toEqual([0, ""]);
      const exposure = await out("systemd-analyze security --no-pager windshift-runner | tail -n 1");
      expect(Number(/level for windshift-runner.service: ([\d.]+)/.exec(exposure)?.[1])).toBeLessThan(2);
    },
    TEST_MS_MAX,
  );

  test(
    "lets a service with a wrong setting rest, and starts one again that found no server",
    async () => {
      await out(
        `sed -i 's/^#WSRUNNER_CPUS=/WSRUNNER_CPUS=many/' ${CONFIG}; systemctl start windshift-runner`,
      );
      const show = (name: string) => out(`systemctl show --value --property ${name} windshift-runner`);
      await eventually("it gives up", async () => (await show("ActiveState")) === "failed", LOADED_MS_MAX);
      expect([await show("ExecMainStatus"), await show("NRestarts")]).toEqual(["2", "0"]);
      expect(await out("journalctl --no-pager -u windshift-runner")).toContain("WSRUNNER_CPUS: ");

      // Without an engine: with it, the runner would refuse a folder that this machine does not share with the host.
      const apart = { ...NOWHERE, WSRUNNER_DOCKER: "/usr/bin/false" };
      const settings = Object.entries(apart).map(([name, value]) => `${name}=${value}`);
      await out(
        `printf '%s\\n' ${settings.join(" ")} > ${CONFIG}; ${INSTALL}; systemctl start windshift-runner`,
      );
      await eventually("it is started again", async () => Number(await show("NRestarts")) > 0, LOADED_MS_MAX);
      expect(await show("ExecMainStatus")).not.toBe("2");
      expect(await show("TimeoutStopUSec")).toBe("1h 32min");
      await out("systemctl stop windshift-runner");
    },
    TEST_MS_MAX,
  );

  test(
    "takes settings from the environment, folders from options, and remembers them",
    async () => {
      const options = "--prefix /opt/ws --cache-dir /srv/runner --user ci-runner --no-enable";
      await out(
        `rm -rf /etc/windshift-runner ${UNIT}; systemctl disable --quiet windshift-runner; ${INSTALL} ${options}`,
        NOWHERE,
      );
      const all = await out(`${MADE.replaceAll("windshift-runner;", "ci-runner;")}; true`);
      for (const [name, value] of Object.entries(NOWHERE)) expect(all).toContain(`\n${name}=${value}\n`);
      for (const line of [
        "\nWSRUNNER_CACHE_ROOT=/srv/runner\n",
        "\nUser=ci-runner\n",
        "\nExecStart=/opt/ws/bin/windshift-runner\n",
        "\nReadWritePaths=/var/lib/windshift-runner /srv/runner\n",
        "\nTimeoutStopSec=1h30m 120s\n",
      ])
        expect(all).toContain(line);
      const before = await out(`cat ${CONFIG} ${UNIT}`);
      const said = await out(`${INSTALL} --no-enable`);
      expect(said).toContain(`The settings are in ${CONFIG}.`);
      expect(said).not.toContain(NOWHERE.WSRUNNER_REGISTRATION_TOKEN);
      expect(await out(`cat ${CONFIG} ${UNIT}`)).toBe(before);
      expect((await host.sh("systemctl is-enabled windshift-runner")).stdout.trim()).toBe("disabled");
      const { exitCode, stderr } = await host.sh(`${INSTALL} --cache-dir /elsewhere`);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringContaining("change it there, or leave the option out"),
      ]);
    },
    TEST_MS_MAX,
  );

  test(
    "leaves a runner that is root what it takes to give checkouts away and clear them off, and no more",
    async () => {
      await out(`rm -rf /etc/windshift-runner ${UNIT}; ${INSTALL} --user root --no-enable`, NOWHERE);
      const unit = await out(`cat ${UNIT}`);
      expect(unit).toContain("\nUser=root\n");
      expect(unit).toContain("\nCapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER\n");
      // What it does with a checkout, as the unit lets it.
      const checkout =
        "cd /var/lib/windshift-runner/cache && mkdir -m 0700 given && touch given/file && chown -R 1000:1000 given && rm given/file && rmdir given";
      const asked = (script: string) =>
        host.sh(`mkdir -p ${UNIT}.d
          printf '[Service]\\nType=oneshot\\nRestart=no\\nExecStart=\\nExecStart=/bin/sh -c "%s"\\n' '${script}' > ${UNIT}.d/probe.conf
          systemctl daemon-reload; systemctl start windshift-runner; code=$?; rm -r ${UNIT}.d; systemctl daemon-reload; exit $code`);
      expect((await asked(checkout)).exitCode).toBe(0);
      expect((await asked("mount -t tmpfs none /mnt")).exitCode).not.toBe(0);
    },
    TEST_MS_MAX,
  );
});
