import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { gitOut } from "@windshift/testing/git-repository.ts";
import { TestCheckout } from "../testing/agent-process.ts";
import { abortReport } from "./abort-report.ts";
import { commandEnv } from "./git-environment.ts";
import { type GitPlace, treeMark } from "./git-tree.ts";
import { wrapUp } from "./wrap-up.ts";

function placeOf(checkout: TestCheckout, extra: Record<string, string> = {}): GitPlace {
  const env = commandEnv({ PATH: process.env.PATH ?? "", HOME: checkout.home, AGENT_RUN_ID: "7", ...extra });
  return { root: checkout.dir, env };
}

/** Variables with which git works as nobody, to whom the checkout then belongs: root can read every file. */
function unprivileged(checkout: TestCheckout): Record<string, string> {
  if (process.getuid?.() !== 0) return {};
  const [bin, root] = [`${checkout.home}/bin`, `${checkout.dir}/..`];
  mkdirSync(bin);
  const git = `exec setpriv --reuid 65534 --regid 65534 --clear-groups ${Bun.which("git")} "$@"`;
  writeFileSync(`${bin}/git`, `#!/bin/sh\n${git}\n`, { mode: 0o755 });
  Bun.spawnSync(["chown", "-R", "65534:65534", root]);
  return { PATH: `${bin}:${process.env.PATH}` };
}

/** A checkout in which git stopped at a conflict in README.md. */
async function conflicted(how: "merge" | "rebase" | "cherry-pick"): Promise<TestCheckout> {
  const checkout = await TestCheckout.create();
  await checkout.git("checkout", "-q", "-b", "other");
  writeFileSync(checkout.path("README.md"), "theirs\n");
  await checkout.git("commit", "-qam", "Theirs");
  await checkout.git("checkout", "-q", "main");
  writeFileSync(checkout.path("README.md"), "ours\n");
  await checkout.git("commit", "-qam", "Ours");
  await checkout.git(how, "other").catch(() => undefined);
  return checkout;
}

describe("the wrap-up", () => {
  test("leaves a clean checkout alone", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path(".gitignore"), "*.log\n");
    await checkout.git("add", "--all");
    await checkout.git("commit", "-qm", "Ignore logs");
    writeFileSync(checkout.path("a.log"), "x");
    expect(await wrapUp(placeOf(checkout))).toEqual({ kind: "clean" });
  });

  test("commits new, changed, removed, renamed and staged files with odd names", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("gone.txt"), "x");
    writeFileSync(checkout.path("moved.txt"), "y");
    await checkout.git("add", "--all");
    await checkout.git("commit", "-qm", "More");
    writeFileSync(checkout.path("staged.txt"), "x");
    await checkout.git("add", "staged.txt");
    await checkout.git("mv", "moved.txt", "new place.txt");
    rmSync(checkout.path("gone.txt"));
    for (const name of ["a\nb", "-n", ":!x", "ä ö", "*"]) writeFileSync(checkout.path(name), "x");
    expect(await wrapUp(placeOf(checkout))).toEqual({ kind: "committed", files: 9, remarks: [] });
    expect(await checkout.git("status", "--porcelain")).toBe("");
    expect(await checkout.git("log", "-1", "--format=%B")).toEndWith("Windshift-Run: 7");
  });

  test("commits what is staged only", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("staged.txt"), "x");
    await checkout.git("add", "staged.txt");
    expect(await wrapUp(placeOf(checkout))).toMatchObject({ kind: "committed", files: 1 });
  });

  test("works before the first commit and on a detached HEAD", async () => {
    using checkout = await TestCheckout.create();
    await checkout.git("checkout", "-q", "--detach");
    writeFileSync(checkout.path("a"), "x");
    expect(await wrapUp(placeOf(checkout))).toMatchObject({ kind: "committed" });
    await checkout.git("checkout", "-q", "--orphan", "empty");
    expect(await wrapUp(placeOf(checkout))).toMatchObject({ kind: "committed" });
    expect(await checkout.git("rev-list", "--count", "HEAD")).toBe("1");
  });

  for (const how of ["merge", "rebase", "cherry-pick"] as const)
    test(`keeps what a stopped ${how} left, and says that markers may be in it`, async () => {
      using checkout = await conflicted(how);
      writeFileSync(checkout.path("more.txt"), "x");
      const result = await wrapUp(placeOf(checkout));
      expect(result).toMatchObject({ kind: "committed", files: 2 });
      expect(result.kind === "committed" && result.remarks.join()).toContain("merge conflicts");
      expect(await checkout.git("show", "HEAD:README.md")).toContain("<<<<<<<");
      expect(await checkout.git("log", "-1", "--format=%s")).toBe("Keep uncommitted changes of the run");
    });

  for (const lock of ["index.lock", "HEAD.lock", "refs/heads/main.lock"])
    test(`gets past the ${lock} of a killed git`, async () => {
      using checkout = await TestCheckout.create();
      writeFileSync(checkout.path("a"), "x");
      writeFileSync(checkout.path(`.git/${lock}`), "");
      expect(await wrapUp(placeOf(checkout))).toMatchObject({ kind: "committed", files: 1 });
    });

  test("minds neither hooks nor signing nor helpers of the checkout's configuration", async () => {
    using checkout = await TestCheckout.create();
    const settings = {
      "commit.gpgSign": "true",
      "gpg.program": "/bin/false",
      "core.fsmonitor": "touch fsmonitor-ran; exit 1",
      "core.safecrlf": "true",
      "core.autocrlf": "input",
      "core.editor": "/bin/false",
      "status.showUntrackedFiles": "no",
      "user.useConfigOnly": "true",
      "commit.template": "/no/such/template",
    };
    for (const [name, value] of Object.entries(settings)) await checkout.git("config", name, value);
    for (const hook of ["pre-commit", "commit-msg", "post-commit", "reference-transaction"]) {
      writeFileSync(checkout.path(`.git/hooks/${hook}`), "#!/bin/sh\ntouch hook-ran; exit 1\n");
      chmodSync(checkout.path(`.git/hooks/${hook}`), 0o755);
    }
    writeFileSync(checkout.path("crlf.txt"), "a\r\nb\n");
    expect(await wrapUp(placeOf(checkout))).toEqual({ kind: "committed", files: 1, remarks: [] });
    expect(existsSync(checkout.path("hook-ran"))).toBe(false);
    expect(existsSync(checkout.path("fsmonitor-ran"))).toBe(false);
  });

  test("leaves repositories inside the checkout and huge files out, and names them", async () => {
    using checkout = await TestCheckout.create();
    for (const name of ["empty repo", "full"]) {
      mkdirSync(checkout.path(name));
      await gitOut(["init", "-q"], checkout.path(name));
      writeFileSync(checkout.path(`${name}/a`), "x");
    }
    await gitOut(["add", "a"], checkout.path("full"));
    await gitOut(["commit", "-qm", "x"], checkout.path("full"));
    writeFileSync(checkout.path("core.dump"), "");
    truncateSync(checkout.path("core.dump"), 60 * 1_048_576);
    writeFileSync(checkout.path("kept.txt"), "x");
    const result = await wrapUp(placeOf(checkout));
    expect(result).toMatchObject({ kind: "committed", files: 1 });
    const remarks = result.kind === "committed" ? result.remarks.join() : "";
    for (const name of ["empty repo/", "full/", "core.dump"]) expect(remarks).toContain(name);
    expect(await checkout.git("show", "--format=", "--name-only", "HEAD")).toBe("kept.txt");
  });

  test("says so when all there is is left out", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("core.dump"), "");
    truncateSync(checkout.path("core.dump"), 60 * 1_048_576);
    expect(await wrapUp(placeOf(checkout))).toEqual({
      kind: "left",
      remarks: ["These are left out (repositories of their own, or over 50 MiB): core.dump."],
    });
  });

  test("carries the run's trailers, once, whether there is a place for the hook or not", async () => {
    using checkout = await TestCheckout.create();
    const extra = { WINDSHIFT_ITEM_KEY: "DEMO-1", WINDSHIFT_REQUESTED_BY: "Ada <ada@example.test>" };
    const without = Object.entries(placeOf(checkout, extra).env).filter(
      ([name]) => !name.startsWith("GIT_CONFIG"),
    );
    for (const env of [placeOf(checkout, extra).env, Object.fromEntries(without)]) {
      writeFileSync(checkout.path("a.txt"), crypto.randomUUID());
      expect(await wrapUp({ root: checkout.dir, env })).toMatchObject({ kind: "committed" });
      expect(await checkout.git("log", "-1", "--format=%(trailers:separator=%x3B)")).toBe(
        "Windshift-Run: 7;Windshift-Item: DEMO-1;Requested-by: Ada <ada@example.test>",
      );
    }
  });

  test("a file that cannot be read does not keep the others out", async () => {
    using checkout = await TestCheckout.create();
    for (const name of ["a.txt", "unreadable.txt", "z.txt"]) writeFileSync(checkout.path(name), "x");
    chmodSync(checkout.path("unreadable.txt"), 0);
    const result = await wrapUp(placeOf(checkout, unprivileged(checkout)));
    expect(result).toMatchObject({ kind: "committed", files: 2 });
    expect(result.kind === "committed" && result.remarks.join()).toContain(
      "could not be added: unreadable.txt",
    );
  });

  test("nor does a file that git's own filter refuses", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path(".gitattributes"), "*.bad filter=bad\n");
    await checkout.git("config", "filter.bad.clean", "false");
    await checkout.git("config", "filter.bad.required", "true");
    writeFileSync(checkout.path("a.bad"), "x");
    writeFileSync(checkout.path("z.txt"), "x");
    const result = await wrapUp(placeOf(checkout));
    expect(result).toMatchObject({ kind: "committed", files: 2 });
    expect(result.kind === "committed" && result.remarks.join()).toContain("could not be added: a.bad");
  });

  test("a checkout without its repository, and a missing git, are reasons, not exceptions", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("a"), "x");
    expect(await wrapUp(placeOf(checkout, { PATH: "/nonexistent" }))).toMatchObject({ kind: "failed" });
    rmSync(checkout.path(".git"), { recursive: true });
    const result = await wrapUp(placeOf(checkout));
    expect(result.kind === "failed" && result.why).toContain("not a git repository");
  });

  test("ends at once when the run is aborted meanwhile", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("a"), "x");
    expect(await wrapUp({ ...placeOf(checkout), signal: AbortSignal.abort() })).toMatchObject({
      kind: "failed",
    });
  });
});

describe("the mark of a tree", () => {
  test("changes with content, names and commits, and comes back with them", async () => {
    using checkout = await TestCheckout.create();
    const place = placeOf(checkout);
    const clean = await treeMark(place);
    writeFileSync(checkout.path("README.md"), "one\n");
    const one = await treeMark(place);
    writeFileSync(checkout.path("README.md"), "two\n");
    const two = await treeMark(place);
    writeFileSync(checkout.path("README.md"), "one\n");
    expect(await treeMark(place)).toBe(one);
    await checkout.git("commit", "-qam", "One");
    const committed = await treeMark(place);
    symlinkSync("/nowhere", checkout.path("link"));
    const linked = await treeMark(place);
    expect(new Set([clean, one, two, committed, linked]).size).toBe(5);
  });

  test("is undefined where git cannot tell", async () => {
    using checkout = await TestCheckout.create();
    expect(await treeMark({ ...placeOf(checkout), root: checkout.home })).toBeUndefined();
  });
});

describe("the report of an abort", () => {
  const EMAIL = "agent@windshift.local";

  test("counts the commits of the run and the files left", async () => {
    using checkout = await TestCheckout.create();
    const place = placeOf(checkout);
    const startedMs = Date.now();
    await checkout.git("commit", "-q", "--allow-empty", "-m", "not the agent's");
    expect(await abortReport(place, startedMs, EMAIL)).toBe(
      "0 commits of this run kept; nothing was left uncommitted",
    );
    for (const name of ["a", "b"]) {
      writeFileSync(checkout.path(name), "x");
      await wrapUp(place);
    }
    writeFileSync(checkout.path("c"), "x");
    expect(await abortReport(place, startedMs, EMAIL)).toBe(
      "2 commits of this run kept; uncommitted changes were left in 1 file",
    );
  });

  test("comes in time when git hangs", async () => {
    using checkout = await TestCheckout.create();
    writeFileSync(checkout.path("git"), "#!/bin/sh\nsleep 600 & wait\n", { mode: 0o755 });
    const startedMs = performance.now();
    const place = placeOf(checkout, { PATH: `${checkout.dir}:${process.env.PATH}` });
    expect(await abortReport(place, Date.now(), EMAIL)).toContain("commits made so far are kept");
    expect(performance.now() - startedMs).toBeLessThan(8_000);
  }, 15_000);
});
