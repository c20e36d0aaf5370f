import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitEnv } from "@windshift/base/git.ts";
import { hostGit } from "./host-git.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "host-git-"));
});
afterAll(() => rm(dir, { recursive: true }));
const context = () => ({
  path: process.env.PATH ?? "",
  tempRoot: dir,
  signal: new AbortController().signal,
  progress: () => undefined,
});
const call = (args: string[], change: object = {}) =>
  hostGit(context(), args, { cwd: dir, timeoutMs: 10_000, ...change });

test("HG-16 git gets a built environment and nothing of ours", async () => {
  process.env.GIT_DIR = "/elsewhere";
  process.env.GIT_SSH_COMMAND = "touch /tmp/x";
  process.env.WSRUNNER_CREDENTIAL = "wsrc_secret";
  const { stdout } = await call(["-c", "alias.env=!env", "env"]);
  const names = stdout.split("\n").map((line) => line.split("=")[0]);
  for (const name of ["GIT_DIR", "GIT_SSH_COMMAND", "WSRUNNER_CREDENTIAL"]) {
    delete process.env[name];
    expect(names).not.toContain(name);
  }
  expect(gitEnv({})).toMatchObject({
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ALLOW_PROTOCOL: "file",
  });
});

test("HG-16 a local call cannot use the network and a network call only HTTP", async () => {
  const tokenFile = "/dev/null";
  for (const [url, change] of [
    ["http://127.0.0.1:9/x.git", {}],
    ["ssh://127.0.0.1/x.git", { tokenFile }],
    ["ext::touch x", { tokenFile }],
    [dir, { tokenFile }],
  ] as const)
    expect((await call(["ls-remote", url], change)).stderr).toContain("not allowed");
});

test("HG-16 no other file of this program starts git", async () => {
  const starters: string[] = [];
  for await (const name of new Bun.Glob("*.ts").scan(import.meta.dir))
    if (
      !/\.test\.ts$|fixture|poison/.test(name) &&
      /Bun\.spawn|child_process|\["git"/.test(await Bun.file(join(import.meta.dir, name)).text())
    )
      starters.push(name);
  expect(starters).toEqual(["host-git.ts"]);
});

test("a lock is held by git itself and waited for", async () => {
  const lockFile = join(dir, "lock");
  const holder = Bun.spawn(["flock", "--no-fork", lockFile, "sh", "-c", "echo held; read x"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await holder.stdout.getReader().read();
  const said: string[] = [];
  const waiting = hostGit(
    {
      ...context(),
      progress: (line) => {
        said.push(line);
        holder.kill("SIGKILL");
      },
    },
    ["version"],
    { cwd: dir, timeoutMs: 10_000, lockFile },
  );
  expect((await waiting).stdout).toContain("git version");
  expect(said).toEqual([expect.stringContaining("waiting")]);
});
