import { expect, test } from "bun:test";
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TestCheckout } from "../testing/agent-process.ts";
import { commandEnv } from "./git-environment.ts";

test("commands get neither the key nor settings of the runtime, and author and hook instead", async () => {
  using checkout = await TestCheckout.create();
  const env = commandEnv({
    HOME: checkout.home,
    LLM_API_KEY: "secret",
    BUN_JSC_useDFGJIT: "0",
    BUN_JSC_thresholdForJITSoon: "10000",
    A: "b",
    C: undefined,
  });
  expect(env).toMatchObject({
    A: "b",
    GIT_AUTHOR_NAME: "windshift-agent",
    GIT_CONFIG_KEY_0: "core.hooksPath",
  });
  expect(Object.keys(env)).not.toContain("LLM_API_KEY");
  expect(Object.keys(env).filter((name) => name.startsWith("BUN_"))).toEqual([]);
  accessSync(join(env.GIT_CONFIG_VALUE_0 ?? "", "prepare-commit-msg"), constants.X_OK);
});

test("commands take text for UTF-8 where nobody chose a language, and keep a language that was chosen", () => {
  const localeOf = (env: Record<string, string>) =>
    Object.entries(commandEnv(env)).filter(([name]) => /^LANG$|^LC_/.test(name));
  for (const env of [{}, { LANG: "" }, { LANG: "C.UTF-8" }, { LANG: "C.utf8", LC_ALL: "" }])
    expect(localeOf(env)).toEqual([["LC_CTYPE", "C.UTF-8"]]);
  for (const env of [{ LANG: "de_DE.UTF-8" }, { LC_ALL: "C" }, { LANG: "C.UTF-8", LC_CTYPE: "POSIX" }])
    expect(Object.fromEntries(localeOf(env))).toEqual(env);
});

test("a home folder that cannot be written to sends the hook to the folder for temporary files", async () => {
  using checkout = await TestCheckout.create();
  const file = join(checkout.home, "no folder");
  writeFileSync(file, "");
  for (const HOME of [file, "/proc", undefined]) {
    const env = commandEnv({ HOME, TMPDIR: checkout.home });
    expect(dirname(env.GIT_CONFIG_VALUE_0 ?? "")).toBe(checkout.home);
  }
});
