import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { Glob } from "bun";
import { SHORT_TIMES, shortened } from "./time-limits.ts";

const ROOT = resolve(import.meta.dir, "../..");

test("each time that is shortened is declared in one place of the server's and the runner's sources", async () => {
  const declared: Record<string, string[]> = {};
  for (const pattern of ["apps/{server,runner}/src/**/*.ts", "packages/{contract,execution}/src/**/*.ts"])
    for await (const file of new Glob(pattern).scan({ cwd: ROOT })) {
      if (file.endsWith(".test.ts")) continue;
      const text = await Bun.file(resolve(ROOT, file)).text();
      for (const [, name = ""] of text.matchAll(/^(?:export )?const ([A-Z_]+) = [^;]+;/gm))
        if (Object.hasOwn(SHORT_TIMES, name)) declared[name] = [...(declared[name] ?? []), file];
    }
  expect(Object.keys(declared).sort()).toEqual(Object.keys(SHORT_TIMES).sort());
  expect(Object.entries(declared).filter(([, files]) => files.length !== 1)).toEqual([]);
});

test("only those are changed", () => {
  const source = "export const LEASE_MS = 90_000;\nconst LEASE_MS_LEAST = 7;\nconst SWEEP_MS = 5 * 60_000;\n";
  expect(shortened(source)).toBe(
    "export const LEASE_MS = 5000;\nconst LEASE_MS_LEAST = 7;\nconst SWEEP_MS = 2000;\n",
  );
});
