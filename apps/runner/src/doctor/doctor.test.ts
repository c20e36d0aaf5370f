import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildVersion } from "@windshift/base/build-version.ts";
import { ensureAgentNetwork } from "@windshift/testing/agent-network.ts";
import { dockerFixture } from "@windshift/testing/docker-fixture.ts";
import { programCommand } from "@windshift/testing/program-command.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { readRunnerSettings } from "../config.ts";
import { runDoctor } from "./doctor.ts";

const TEST_MS_MAX = 60_000;
const NETWORK = "windshift-doctor";
const PATH = process.env.PATH ?? "/usr/bin:/bin";
const CREDENTIAL = `wsrc_${"c".repeat(43)}`;
/** Of the version of the code under test, which has none. */
const TRIAGE = [process.execPath, join(import.meta.dir, "../../../triage/src/main.ts")];
/** An engine that is away answers at once. */
const AWAY = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

let image: string;
let hostAddress: string;
let root: TempDir;
const servers: Bun.Server<undefined>[] = [];
beforeAll(async () => {
  ({ image } = await dockerFixture());
  ({ hostAddress } = await ensureAgentNetwork(NETWORK, process.env));
}, TEST_MS_MAX);
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});
afterAll(() => root?.remove());

type Answers = Partial<Record<"/api/version" | "/api/runner/whoami", () => Response>>;
const ME = { name: "host-1", instance_id: "0123456789ab", pool: "builders", drain: false, alert: null };

/** Stands in for the server. @returns its API's address, for containers as for this host */
function serve(answers: Answers = {}): string {
  const all: Answers = {
    "/api/version": () => Response.json({ name: "windshift", version: buildVersion }),
    "/api/runner/whoami": () => Response.json(ME),
    ...answers,
  };
  const server = Bun.serve({
    hostname: "0.0.0.0",
    port: 0,
    fetch: (request) => {
      const { pathname } = new URL(request.url);
      if (
        pathname === "/api/runner/whoami" &&
        request.headers.get("authorization") !== `Bearer ${CREDENTIAL}`
      )
        return new Response(null, { status: 401 });
      return all[pathname as keyof Answers]?.() ?? new Response(null, { status: 404 });
    },
  });
  servers.push(server);
  return `http://${hostAddress}:${server.port}/api`;
}

/** What doctor says with everything right but for `over`. */
async function diagnose(over: Record<string, string> = {}, triage: readonly string[] = TRIAGE) {
  root?.remove();
  root = tempDir();
  chmodSync(root.path, 0o755);
  const env: Record<string, string | undefined> = {
    WSRUNNER_ALLOW_INSECURE: "1",
    WSRUNNER_CREDENTIAL: CREDENTIAL,
    WSRUNNER_IMAGE: image,
    WSRUNNER_NETWORK: NETWORK,
    WSRUNNER_CACHE_ROOT: root.path,
    WSRUNNER_WORKSPACE_SIZE: "16m",
    ...(over.WS_API_URL === undefined ? { WS_API_URL: serve() } : {}),
    ...over,
  };
  prepare?.(root.path);
  prepare = undefined;
  const read = readRunnerSettings(env);
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const lines: string[] = [];
  const options = { settings: read.settings, triage, path: PATH, env: { ...process.env, ...over } };
  const healthy = await runDoctor(options, "text", (line) => lines.push(line));
  return { healthy, text: lines.join("\n"), options };
}
/** Puts something into the cache root before the doctor looks. */
let prepare: ((dir: string) => void) | undefined;

/** One check that is not ok, and the line after it. */
function saidOf(text: string, word: "FAIL" | "warn", name: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`${word} ${name}: `));
  return at === -1 ? `no ${word} ${name} in:\n${text}` : lines.slice(at, at + 2).join("\n");
}

describe("windshift-runner doctor", () => {
  test(
    "finds nothing wrong with a host that is ready, and says the same as JSON",
    async () => {
      const { healthy, text, options } = await diagnose();
      expect(text).not.toContain("FAIL");
      expect(healthy).toBe(true);
      const looked = [
        ...["settings", "address", "api", "clock", "credential file", "credential", "cache root", "disk"],
        ...["windshift-triage version", "user ids", "limits", "network", "image", "worktree", "sandbox"],
      ];
      for (const name of looked) expect(text).toContain(`ok   ${name}: `);
      for (const name of ["windshift-triage", "engine"])
        expect(text).toMatch(new RegExp(`(ok  |warn) ${name}: `));
      // http:// is for development, and said to be.
      expect(saidOf(text, "warn", "https")).toContain("development only");
      expect(text).toContain("host-1 in the pool builders");
      const json: string[] = [];
      expect(await runDoctor(options, "json", (line) => json.push(line))).toBe(true);
      const report = JSON.parse(json.join("\n"));
      expect([report.healthy, report.not_checked]).toEqual([true, []]);
      expect(report.checks.map((check: { name: string }) => check.name)).toEqual(
        expect.arrayContaining(looked),
      );
      for (const said of [text, json.join()]) expect(said).not.toContain(CREDENTIAL);
    },
    TEST_MS_MAX,
  );

  /** Fault, what it needs (made when the test runs), the check that tells, and words of the answer. */
  const faults: readonly [string, () => Record<string, string>, "FAIL" | "warn", string, string[]][] = [
    [
      "the server's name has no address",
      () => ({ WS_API_URL: "http://no-such-host.invalid/api" }),
      "FAIL",
      "address",
      ["no-such-host.invalid", "name servers"],
    ],
    [
      "nothing listens at the server's address",
      () => ({ WS_API_URL: "http://127.0.0.1:1/api" }),
      "FAIL",
      "address",
      ["127.0.0.1:1", "ECONNREFUSED", "outbound HTTP"],
    ],
    [
      "the address is not that of an API",
      () => ({ WS_API_URL: serve({ "/api/version": () => new Response("<html>") }) }),
      "FAIL",
      "api",
      ["not as a Windshift server", "/rest/api/v1"],
    ],
    [
      "the address redirects",
      () => ({
        WS_API_URL: serve({ "/api/version": () => Response.redirect("https://elsewhere.example/", 302) }),
      }),
      "FAIL",
      "api",
      ["redirect to https://elsewhere.example/", "server's own address"],
    ],
    [
      "the server is of another version",
      () => ({
        WS_API_URL: serve({ "/api/version": () => Response.json({ name: "windshift", version: "9.9.9" }) }),
      }),
      "warn",
      "api",
      ["Windshift 9.9.9", "one release"],
    ],
    [
      "the clocks differ",
      () => ({
        WS_API_URL: serve({
          "/api/version": () =>
            Response.json(
              { name: "windshift", version: buildVersion },
              { headers: { date: new Date(Date.now() - 3_600_000).toUTCString() } },
            ),
        }),
      }),
      "warn",
      "clock",
      ["1h", "ahead of", "NTP"],
    ],
    [
      "the credential is not known to the server",
      () => ({ WSRUNNER_CREDENTIAL: `wsrc_${"x".repeat(43)}` }),
      "FAIL",
      "credential",
      ["unknown, expired or revoked", "WSRUNNER_REGISTRATION_TOKEN"],
    ],
    [
      "there is neither credential nor registration token",
      () => ({ WSRUNNER_CREDENTIAL: "" }),
      "FAIL",
      "credential",
      ["no credential", "Mint a registration token"],
    ],
    [
      "the runner is not registered yet",
      () => ({ WSRUNNER_CREDENTIAL: "", WSRUNNER_REGISTRATION_TOKEN: `wsrt_${"r".repeat(43)}` }),
      "warn",
      "credential",
      ["not registered yet", "not tried"],
    ],
    [
      "the pool's administrator drains the runner",
      () => ({ WS_API_URL: serve({ "/api/runner/whoami": () => Response.json({ ...ME, drain: true }) }) }),
      "warn",
      "credential",
      ["asked to take no more"],
    ],
    [
      "the credential cannot be kept",
      () => ({ WSRUNNER_CREDENTIAL: "", WSRUNNER_CREDENTIAL_FILE: "/dev/null/credential" }),
      "FAIL",
      "credential file",
      ["registration token after each start", "WSRUNNER_CREDENTIAL_FILE", "volume"],
    ],
    [
      "the cache root is a file",
      () => ({ WSRUNNER_CACHE_ROOT: "/dev/null" }),
      "FAIL",
      "cache root",
      ["/dev/null is not a folder", "WSRUNNER_CACHE_ROOT"],
    ],
    [
      "there is less room than a checkout may take",
      () => ({ WSRUNNER_WORKSPACE_SIZE: "4000t" }),
      "warn",
      "disk",
      ["4000t", "WSRUNNER_WORKSPACE_SIZE"],
    ],
    ["the daemon is away", () => AWAY, "FAIL", "engine", ["cannot be reached", "Start the Docker daemon"]],
    [
      "the engine's program does not exist",
      () => ({ WSRUNNER_DOCKER: "/nonexistent/docker" }),
      "FAIL",
      "engine",
      ["WSRUNNER_DOCKER"],
    ],
    [
      "the network does not exist",
      () => ({ WSRUNNER_NETWORK: "windshift-no-such-network" }),
      "FAIL",
      "network",
      ["docker network create windshift-no-such-network", "WSRUNNER_NETWORK=bridge"],
    ],
    [
      "the image cannot be pulled",
      () => ({ WSRUNNER_IMAGE: "127.0.0.1:1/no/such-agent:v1" }),
      "FAIL",
      "image",
      ["docker pull 127.0.0.1:1/no/such-agent:v1", "WSRUNNER_IMAGE"],
    ],
  ];
  for (const [fault, over, word, name, answer] of faults)
    test(
      `says what to do when ${fault}`,
      async () => {
        // What is not under test is made quick: the engine is away unless the fault is the engine's.
        const changed = over();
        const engine = ["engine", "network", "image"].includes(name) ? {} : AWAY;
        const { healthy, text } = await diagnose({ ...engine, ...changed });
        for (const words of answer) expect(saidOf(text, word, name)).toContain(words);
        if (word === "FAIL") expect(healthy).toBe(false);
        expect(text).not.toContain("c".repeat(43));
      },
      TEST_MS_MAX,
    );

  test(
    "warns of a kept credential that others can read, and refuses one that is none",
    async () => {
      const keep = (text: string, mode: number) => {
        prepare = (dir) => {
          mkdirSync(dir, { recursive: true });
          writeFileSync(join(dir, "credential"), text);
          chmodSync(join(dir, "credential"), mode);
        };
      };
      keep(`${CREDENTIAL}\n`, 0o644);
      const open = await diagnose({ ...AWAY, WSRUNNER_CREDENTIAL: "" });
      expect(saidOf(open.text, "warn", "credential file")).toContain("chmod 600");
      expect(open.text).toContain("ok   credential: host-1");
      keep("no credential\n", 0o600);
      const none = await diagnose({ ...AWAY, WSRUNNER_CREDENTIAL: "" });
      expect(saidOf(none.text, "FAIL", "credential file")).toContain("holds no runner credential");
    },
    TEST_MS_MAX,
  );

  test(
    "tells an address that this host reaches and its containers do not",
    async () => {
      const url = new URL(serve());
      const { healthy, text } = await diagnose({ WS_API_URL: `http://127.0.0.1:${url.port}/api` });
      expect(text).toContain("ok   api: ");
      expect(saidOf(text, "FAIL", "sandbox")).toContain(
        "localhost inside a container is the container itself",
      );
      expect(healthy).toBe(false);
    },
    TEST_MS_MAX,
  );

  test(
    "refuses a git helper of another release, and one that is missing",
    async () => {
      const dir = tempDir();
      const old = join(dir.path, "windshift-triage");
      writeFileSync(
        old,
        `#!/bin/sh\n[ "$1" = --check ] && echo "ok: git version 2.50.1" || echo "windshift-triage 0.0.1"\n`,
      );
      chmodSync(old, 0o755);
      const other = await diagnose(AWAY, [old]);
      expect(saidOf(other.text, "FAIL", "windshift-triage version")).toContain("version 0.0.1");
      const missing = await diagnose(AWAY, ["/nonexistent/windshift-triage"]);
      expect(saidOf(missing.text, "FAIL", "windshift-triage")).toContain("WSRUNNER_TRIAGE_BIN");
      expect(missing.text).toContain("not checked, for they need what failed: windshift-triage version");
      dir.remove();
    },
    TEST_MS_MAX,
  );
});

describe("the certificate", () => {
  test(
    "of an authority that this host does not know is told, with the setting that makes it known",
    async () => {
      const dir = tempDir();
      const made = Bun.spawnSync(
        [
          ...[
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
          ],
          ...["-keyout", "key.pem", "-out", "cert.pem", "-days", "30", "-subj", "/CN=localhost"],
          ...["-addext", "subjectAltName=DNS:localhost"],
        ],
        { cwd: dir.path },
      );
      expect(made.exitCode).toBe(0);
      const read = (name: string) => Bun.file(join(dir.path, name)).text();
      const server = Bun.serve({
        hostname: "localhost",
        port: 0,
        tls: { key: await read("key.pem"), cert: await read("cert.pem") },
        fetch: (request) =>
          new URL(request.url).pathname === "/api/version"
            ? Response.json({ name: "windshift", version: buildVersion })
            : Response.json(ME),
      });
      servers.push(server);
      const env = {
        PATH,
        HOME: process.env.HOME ?? "",
        ...AWAY,
        WS_API_URL: `https://localhost:${server.port}/api`,
        WSRUNNER_CREDENTIAL: CREDENTIAL,
        WSRUNNER_IMAGE: image,
        WSRUNNER_CACHE_ROOT: join(dir.path, "cache"),
      };
      const run = async (over: Record<string, string>) => {
        const child = Bun.spawn([...programCommand("windshift-runner"), "doctor"], {
          env: { ...env, ...over },
          stdout: "pipe",
          stderr: "pipe",
        });
        const text = await new Response(child.stdout).text();
        return { text, code: await child.exited };
      };
      const unknown = await run({});
      expect(saidOf(unknown.text, "FAIL", "https")).toContain("NODE_EXTRA_CA_CERTS");
      const known = await run({ NODE_EXTRA_CA_CERTS: join(dir.path, "cert.pem") });
      expect(known.text).toMatch(/ok {3}https: the certificate of localhost is valid until \d{4}-\d\d-\d\d/);
      expect(known.text).toContain("ok   credential: host-1");
      // The engine is away in this test.
      expect([unknown.code, known.code]).toEqual([1, 1]);
      dir.remove();
    },
    TEST_MS_MAX,
  );
});

test(
  "settings that cannot be used are each a failed check, as text and as JSON",
  async () => {
    const run = async (...args: string[]) => {
      const child = Bun.spawn([...programCommand("windshift-runner"), "doctor", ...args], {
        env: { PATH, WS_API_URL: "http://windshift.example.test/api", WSRUNNER_CAPACITY: "0" },
        stdout: "pipe",
        stderr: "pipe",
      });
      return { out: await new Response(child.stdout).text(), code: await child.exited };
    };
    const text = await run();
    expect([text.code, text.out]).toEqual([1, expect.stringContaining("FAIL settings: WSRUNNER_IMAGE")]);
    expect(text.out).toContain("FAIL settings: WSRUNNER_CAPACITY");
    const json = await run("-o", "json");
    expect([json.code, JSON.parse(json.out).healthy]).toEqual([1, false]);
    expect((await run("-o", "xml")).code).toBe(2);
  },
  TEST_MS_MAX,
);
