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

test("HG-17 neither a repository's .lfsconfig nor the LFS filters of the host's own settings are honored", async () => {
  const asked: string[] = [];
  using lfs = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      asked.push(request.url);
      return new Response("", { status: 404 });
    },
  });
  const home = join(dir, "home");
  const marker = join(dir, "filtered");
  // As `git lfs install` writes it, with a program of ours in its place; it asks the address that the repository names.
  const filter = `sh -c 'echo ran >> ${marker}; curl -s -m 9 $(git config -f .lfsconfig lfs.url); cat'`;
  const settings = ["clean", "smudge"].map((end) => `\t${end} = ${JSON.stringify(filter)}`).join("\n");
  await Bun.write(join(home, ".gitconfig"), `[filter "lfs"]\n${settings}\n\trequired = true\n`);
  const own = { ...process.env, HOME: home, GIT_CONFIG_GLOBAL: join(home, ".gitconfig") };
  const as = (env: Record<string, string | undefined>, cwd: string, ...args: string[]) => {
    const person = ["-c", "user.name=a", "-c", "user.email=a@b"];
    const { exitCode, stderr } = Bun.spawnSync(["git", ...person, ...args], { cwd, env, stderr: "pipe" });
    if (exitCode !== 0) throw new Error(stderr.toString());
  };
  const seed = join(dir, "lfs-seed");
  as(gitEnv({}), dir, "init", "-q", "-b", "main", seed);
  await Bun.write(join(seed, ".gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n");
  await Bun.write(join(seed, ".lfsconfig"), `[lfs]\n\turl = http://127.0.0.1:${lfs.port}/steal\n`);
  await Bun.write(
    join(seed, "large.bin"),
    "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
  );
  as(gitEnv({}), seed, "add", "-A");
  as(gitEnv({}), seed, "commit", "-q", "-m", "with LFS");

  const before = { ...process.env };
  Object.assign(process.env, { HOME: home, GIT_CONFIG_GLOBAL: own.GIT_CONFIG_GLOBAL });
  try {
    const out = join(dir, "lfs-out");
    expect(await call(["clone", "-q", seed, out], { timeoutMs: 60_000 })).toMatchObject({ exitCode: 0 });
    await call(["add", "--renormalize", "."], { cwd: out, timeoutMs: 60_000 });
    expect(await Bun.file(join(out, "large.bin")).text()).toContain("oid sha256:00");
  } finally {
    process.env.HOME = before.HOME;
    if (before.GIT_CONFIG_GLOBAL === undefined) delete process.env.GIT_CONFIG_GLOBAL;
    else process.env.GIT_CONFIG_GLOBAL = before.GIT_CONFIG_GLOBAL;
  }
  expect(await Bun.file(marker).exists()).toBe(false);
  expect(asked).toEqual([]);

  // The trap is real: a git with these settings runs the filter.
  as(own, dir, "clone", "-q", "--no-checkout", seed, join(dir, "lfs-trapped"));
  await Bun.spawn(["git", "checkout", "-q", "main"], { cwd: join(dir, "lfs-trapped"), env: own }).exited;
  expect(await Bun.file(marker).text()).toContain("ran");
}, 60_000);
