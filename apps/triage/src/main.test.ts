import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { startProgram, startTriage } from "./triage-fixture.ts";

test("a request that cannot be read ends with 2, one line on stderr and nothing on stdout", async () => {
  const token = `wsrun_${"t".repeat(43)}`;
  for (const input of [
    "",
    "{",
    "[]",
    '{"op":"fly"}',
    JSON.stringify({ op: "prepare", token, branch: "-x" }),
  ]) {
    const end = await startProgram(input);
    expect(end.exitCode).toBe(2);
    expect(end.stdout).toBe("");
    expect(end.stderr).toMatch(/^windshift-triage: .+\n$/);
    expect(end.stderr).not.toContain(token);
  }
});

test("a signal ends its git, is answered with a reply, and leaves no token behind", async () => {
  const host = await startTriage();
  const one = await host.attempt(1);
  const arrived = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  host.broker.onLiveCheck = () => {
    arrived.resolve();
    return held.promise;
  };
  const ending = one.prepare({}, (child) => void arrived.promise.then(() => child.kill("SIGTERM")));
  expect((await ending).reply).toMatchObject({ kind: "failed", reason: "prepare_failed" });
  expect(readdirSync(host.temp)).toEqual([]);
  held.resolve();
  await host.stop();
});

test("an argument it does not know ends with 2 and the usage", async () => {
  const end = await startProgram("", ["--help-me"]);
  expect(end).toMatchObject({ exitCode: 2, stdout: "" });
  expect(end.stderr).toContain("--check");
});

test("it says its version, and what it thinks of the host", async () => {
  expect((await startProgram("", ["--version"])).stdout).toMatch(/^windshift-triage \d+\.\d+\.\d+(-dev)?\n$/);
  const check = await startProgram("", ["--check"]);
  expect(check.exitCode).toBe(0);
  expect(check.stdout).toMatch(/ok: git version 2.*ok: flock/s);
});

test("a host without git is told what to install", async () => {
  const { checkHost } = await import("./triage-check.ts");
  const report = await checkHost("/nonexistent");
  expect(report.ok).toBe(false);
  expect(report.lines.join("\n")).toContain("problem: git cannot be used");
  expect(report.lines.join("\n")).toContain("apt-get install");
});
