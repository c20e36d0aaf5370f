import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { exec } from "@windshift/base/exec.ts";
import { tempDir } from "@windshift/testing/temp-dir.ts";
import { compileProgram } from "./compile.ts";
import { readElf } from "./elf.ts";
import {
  AGENT_PROGRAM,
  hostArchitecture,
  programsFor,
  RUNNER_PROGRAMS,
  TARGET_NAMES,
  TARGETS,
  WS_PROGRAM,
} from "./programs.ts";
import { targetProblem } from "./target-check.ts";

const dir = tempDir();
afterAll(() => dir.remove());
/** The first build for a foreign target fetches its runtime, ms. */
const COMPILE_MS_MAX = 300_000;

describe("the headers of an executable", () => {
  test("say what the dynamic loader of this machine says", async () => {
    const facts = await readElf(process.execPath);
    const listed = await exec(["ldd", process.execPath], {
      env: { PATH: process.env.PATH ?? "" },
      timeoutMs: 10_000,
    });
    for (const name of facts.needed) expect(listed.stdout).toContain(name);
    expect(facts.needed).toContain("libc.so.6");
    expect(facts.machine).toBe(TARGETS[hostArchitecture()].machine);
    expect(targetProblem(facts, hostArchitecture())).toBeUndefined();
  });

  test("are refused in a file that has none, and in one that is cut", async () => {
    const cut = join(dir.path, "cut");
    copyFileSync("/bin/true", cut);
    truncateSync(cut, 20);
    for (const file of [import.meta.path, cut])
      await expect(readElf(file)).rejects.toThrow("is not a 64-bit");
  });
});

describe("every target", () => {
  for (const target of TARGET_NAMES)
    test(
      `${target} gets an executable for its machine, its loader and the libraries it has`,
      async () => {
        const file = await compileProgram(AGENT_PROGRAM, target, join(dir.path, target));
        const facts = await readElf(file);
        for (const other of TARGET_NAMES)
          expect({ other, fits: targetProblem(facts, other) === undefined }).toEqual({
            other,
            fits: other === target,
          });
        if (TARGETS[target].libc === "musl") expect(facts.needed).toContain("libstdc++.so.6");
      },
      COMPILE_MS_MAX,
    );

  test("on musl is offered what hosts and images of others need, and not the server", () => {
    for (const target of ["amd64-musl", "arm64-musl"] as const)
      expect(programsFor(target)).toEqual([...RUNNER_PROGRAMS, AGENT_PROGRAM, WS_PROGRAM]);
    expect(programsFor("arm64").length).toBeGreaterThan(1);
  });
});

describe("an executable does not fit its target", () => {
  const amd64 = { machine: "x86-64", interpreter: "/lib64/ld-linux-x86-64.so.2", needed: ["libc.so.6"] };

  test("when it needs a newer glibc than promised", () => {
    expect(targetProblem({ ...amd64, glibcMin: "2.17" }, "amd64")).toBeUndefined();
    expect(targetProblem({ ...amd64, glibcMin: "2.36" }, "amd64")).toBe("it needs glibc 2.36");
    expect(targetProblem({ ...amd64, glibcMin: "2.9" }, "amd64")).toBeUndefined();
  });

  test("when it needs a library nobody was told of", () => {
    const facts = { ...amd64, needed: ["libc.so.6", "libssl.so.3"], glibcMin: undefined };
    expect(targetProblem(facts, "amd64")).toBe("it needs libssl.so.3");
  });

  test("when it is static or another architecture's", () => {
    const facts = { ...amd64, glibcMin: undefined };
    expect(targetProblem({ ...facts, interpreter: undefined }, "amd64")).toContain("its loader is missing");
    expect(targetProblem(facts, "arm64")).toBe("it is made for x86-64");
  });
});
