import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { type TempDir, tempDir } from "@windshift/testing/temp-dir.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";
import { installCommand, installScript } from "./runner-install.ts";
import { runnerProgramsFolder } from "./runner-install-programs.ts";
import { addRunnerInstallRoutes } from "./runner-install-routes.ts";

const ADDRESS = "https://windshift.example.com";
const HOSTILE = [
  "https://a.example/';touch pwned;'",
  "https://a.example/$(touch pwned)",
  "https://a.example/`touch pwned`",
  "https://a.example/a\ntouch pwned",
  "https://user:pass'word@a.example",
  'https://a.example/"; touch pwned; "',
];

/** Runs a script as an ordinary user would pipe it, in a folder of its own. */
function shell(script: string, cwd: string, env: Record<string, string> = {}) {
  return exec(["sh", "-s"], {
    cwd,
    env: { PATH: process.env.PATH ?? "", ...env },
    stdin: script,
    timeoutMs: 20_000,
  });
}

describe("the installation script of a server", () => {
  test("is a shell script that names the server, its version and every checksum", async () => {
    const sums = [{ target: "amd64", program: "windshift-runner", sha256: "a".repeat(64) }] as const;
    const text = installScript({ baseUrl: ADDRESS, image: "registry.example/agent:7", programs: sums });
    expect(text).toContain(`\nSERVER='${ADDRESS}'\n`);
    expect(text).toContain("\nIMAGE='registry.example/agent:7'\n");
    expect(text).toContain(`amd64/windshift-runner ${"a".repeat(64)}`);
    expect(text).toContain("install.sh --bin-dir DIR [--prefix DIR]");
    expect(text).not.toMatch(/@[A-Z]+@/);
    using dir = tempDir();
    const parsed = await exec(["sh", "-n"], { cwd: dir.path, env: {}, stdin: text, timeoutMs: 20_000 });
    expect([parsed.exitCode, parsed.stderr]).toEqual([0, ""]);
  });

  for (const address of HOSTILE)
    test(`runs nothing of the address ${JSON.stringify(address)}, and says what is wrong with it`, async () => {
      using dir = tempDir();
      const text = installScript({ baseUrl: address, image: undefined, programs: [] });
      // As if it were root.
      const asked = await shell(text.replace('[ "$(id -u)" = 0 ]', "true"), dir.path);
      expect([asked.exitCode, asked.stderr]).toEqual([1, expect.stringContaining("set its BASE_URL")]);
      expect(text).not.toContain("pwned");
      const line = installCommand(address, "wsrt_x")
        .replace("curl -fsSL", "printf '%s'")
        .replace("sudo -E sh", "cat");
      expect((await shell(line, dir.path)).stdout).toBe(`${address}/api/runner-install.sh`);
      expect(await Bun.file(join(dir.path, "pwned")).exists()).toBe(false);
    });

  test("leaves out an image that would end its quotation", () => {
    const text = installScript({ baseUrl: ADDRESS, image: "a'; touch pwned; '", programs: [] });
    expect(text).toContain("\nIMAGE=''\n");
  });

  test("does nothing when it is cut off anywhere", async () => {
    using dir = tempDir();
    const text = installScript({ baseUrl: ADDRESS, image: undefined, programs: [] });
    for (let part = 1; part < 12; part++) {
      const { stdout } = await shell(text.slice(0, Math.floor((text.length * part) / 12)), dir.path);
      expect(stdout).toBe("");
    }
  });

  test("asks for root before anything else", async () => {
    using dir = tempDir();
    const text = installScript({ baseUrl: ADDRESS, image: undefined, programs: [] });
    const { exitCode, stderr } = await shell(text.replaceAll("$(id -u)", "1000"), dir.path);
    expect([exitCode, stderr]).toEqual([1, "runner-install.sh: this needs root: … | sudo -E sh\n"]);
  });
});

describe("the folder of programs", () => {
  test("is the setting's, else beside the executable, else the build it lies in, else there is none", () => {
    using dir = tempDir();
    const executable = join(dir.path, "amd64", "windshift");
    expect(runnerProgramsFolder("/srv/programs", executable, "/nowhere/a/b/c")).toBe("/srv/programs");
    expect(runnerProgramsFolder(undefined, executable, "/nowhere/a/b/c")).toBe(dir.path);
    mkdirSync(join(dir.path, "amd64", "runner-programs"), { recursive: true });
    expect(runnerProgramsFolder(undefined, executable, "/nowhere/a/b/c")).toBe(
      join(dir.path, "amd64", "runner-programs"),
    );
    expect(runnerProgramsFolder(undefined, "/usr/local/bin/windshift", "/nowhere/a/b/c")).toBeUndefined();
  });
});

/** Above what the tests of one server download before they want to be refused. */
const DOWNLOADS_MAX = 20;

describe("a server that has programs for hosts", () => {
  let dir: TempDir;
  let server: TestServer;
  const put = (path: string, text: string) => {
    mkdirSync(join(dir.path, path, ".."), { recursive: true });
    writeFileSync(join(dir.path, path), text);
  };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  beforeAll(async () => {
    dir = tempDir();
    put("amd64/windshift-runner", "the runner");
    put("amd64/windshift", "the server");
    put("secret", "not for hosts");
    server = await startTestServer({
      // Under another path: the product's own routes have the source tree's folder.
      addRoutes: (table) =>
        addRunnerInstallRoutes(
          {
            mount: (methods, path, access, handler) => table.mount(methods, `/test${path}`, access, handler),
          },
          {
            baseUrl: ADDRESS,
            runnerPrograms: dir.path,
            runnerImage: "registry.example/agent:7",
            downloadsMax: DOWNLOADS_MAX,
          },
        ),
    });
  });
  afterAll(async () => {
    await server?.close();
    dir?.remove();
  });
  const get = (path: string) => fetch(`${server.url}/test/api/${path}`);

  test("gives them to anybody, byte for byte as the script's checksum says, also after they changed", async () => {
    for (const text of ["the runner", "the next runner, which is longer"]) {
      put("amd64/windshift-runner", text);
      const script = await get("runner-install.sh");
      expect(script.headers.get("content-type")).toContain("text/x-shellscript");
      expect(await script.text()).toContain(`amd64/windshift-runner ${sha256(text)}`);
      const program = await get("runner-download/windshift-runner/amd64");
      expect(await program.text()).toBe(text);
    }
  });

  test("gives nothing else of the folder, and nothing above it", async () => {
    for (const path of [
      "windshift/amd64",
      "windshift-runner/arm64",
      "windshift-runner/..",
      "windshift-runner/%2e%2e",
      "secret/%2e",
      "..%2f..%2fetc%2fpasswd/amd64",
      "amd64%2fwindshift/%2e",
    ]) {
      const reply = await get(`runner-download/${path}`);
      expect([path, reply.status]).toEqual([path, 404]);
      expect(await reply.text()).not.toContain("for hosts\n");
    }
  });

  test("refuses an address that downloads without end, and gives it the script still", async () => {
    const download = () => get("runner-download/windshift-runner/amd64");
    const replies = await Promise.all(Array.from({ length: DOWNLOADS_MAX + 1 }, download));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await get("runner-install.sh")).status).toBe(200);
  });

  test("is the server whose address the product's own script has", async () => {
    const text = await (await fetch(`${server.url}/api/runner-install.sh`)).text();
    expect(text).toContain(`\nSERVER='${server.url}'\n`);
  });
});
