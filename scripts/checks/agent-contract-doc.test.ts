import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";
import { contractBlocks } from "./agent-contract-doc.ts";

const ROOT = resolve(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const page = read("docs/agent.md");
const unnamed = (names: Iterable<string>) =>
  [...new Set(names)].filter((name) => !page.includes(`\`${name}\``));

test("every line and field of the contract has its words, and every line one valid example", () => {
  expect(contractBlocks().flatMap(({ problems }) => problems)).toEqual([]);
  const output = contractBlocks().find(({ name }) => name === "agent-output")?.text ?? "";
  expect(output).toContain("| `exit_code` | integer | no |");
  expect(output).toContain("`completed`, `blocked`, `needs_info`");
});

test("docs/agent.md names every variable that a run puts into a container", () => {
  const given = [
    ...read("apps/server/src/runs/job-spec.ts").matchAll(/^ {6}([A-Z][A-Z_]+):/gm),
    ...read("packages/execution/src/job-spec.ts").matchAll(/\b([A-Z]+_[A-Z_]+): job\.tokens/g),
  ].map(([, name = ""]) => name);
  expect(given).toContain("AGENT_RUN_ID");
  expect(given).toContain("WS_TOKEN");
  expect(unnamed(given)).toEqual([]);
});

test("docs/agent.md names every code and tool of our agent", () => {
  const sources = [...new Glob("apps/agent/src/**/*.ts").scanSync({ cwd: ROOT })].filter(
    (file) => !file.endsWith(".test.ts"),
  );
  const text = sources.map(read).join("\n");
  const codes = [...text.matchAll(/type: "error",[^}]*?code: "([a-z_]+)"/g)].map(([, code = ""]) => code);
  const ends = /code: ("[a-z_]+"(?: \| "[a-z_]+")*);/.exec(read("apps/agent/src/loop-end.ts"))?.[1] ?? "";
  const gaveUp = [...ends.matchAll(/[a-z_]+/g)].map(([code]) => code);
  const tools = [...text.matchAll(/defineTool\(\{\s+name: "([a-z_]+)"/g)].map(([, name = ""]) => name);
  expect(codes).toContain("aborted");
  expect(gaveUp).toContain("turns_exhausted");
  expect(tools).toContain("edit_file");
  expect(unnamed([...codes, ...gaveUp, ...tools])).toEqual([]);
});
