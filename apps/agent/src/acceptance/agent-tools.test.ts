import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { FINISH, TurnModel } from "../testing/turn-model.ts";
import { OutputStore } from "../tools/output-store.ts";
import { Toolbox } from "../tools/toolbox.ts";
import { Workspace } from "../tools/workspace.ts";

/** Of the two search tools together, bytes: they are part of every request. */
const SEARCH_DEFINITIONS_BYTES_MAX = 900;

test("the definitions of the search tools are small", () => {
  const outputs = new OutputStore();
  const workspace = Workspace.open(import.meta.dir, outputs.dirs);
  const signal = new AbortController().signal;
  const toolbox = new Toolbox(
    { workspace, outputs, images: false, env: () => ({}), signal },
    () => undefined,
  );
  const texts = toolbox.definitions().map((definition) => JSON.stringify(definition));
  const search = texts.filter((text) => /"name":"(grep|list_files)"/.test(text));
  expect(search).toHaveLength(2);
  expect(search.join("").length).toBeLessThanOrEqual(SEARCH_DEFINITIONS_BYTES_MAX);
});

test("what a command prints is told while it runs, never after its result, and not in the model's messages", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([
    { calls: [["bash", { command: "echo begun; until test -e go; do sleep 0.02; done; echo ended" }]] },
    { calls: [["bash", { command: "echo again" }]] },
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  const ended = agent.work();
  const { id, text } = await agent.next("tool_output");
  expect({ id, text }).toEqual({ id: "call_0", text: "begun\n" });
  expect(agent.list("tool_done")).toEqual([]);
  writeFileSync(checkout.path("go"), "");
  expect(await ended).toBe(0);
  const types = agent.events.map(({ type }) => type).filter((type) => type.startsWith("tool_"));
  expect(types.join(" ")).toBe("tool_start tool_output tool_done tool_start tool_done tool_start tool_done");
  expect(model.toolResult(1)).toBe("begun\nended");
});

test("grep and list_files are told as events, with their arguments, and find what a command has just made", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([
    {
      calls: [
        ["bash", { command: "mkdir src && echo 'a needle' > src/new.ts && seq 100000" }],
        ["grep", { pattern: "needle", glob: "*.ts" }],
        ["list_files", { path: "src" }],
      ],
    },
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(agent.list("tool_start")[1]?.args).toEqual({ pattern: "needle", glob: "*.ts" });
  expect(agent.list("tool_done").map(({ tool, truncated }) => ({ tool, truncated }))).toEqual([
    { tool: "bash", truncated: true },
    { tool: "grep", truncated: undefined },
    { tool: "list_files", truncated: undefined },
    { tool: "finish", truncated: undefined },
  ]);
  expect([1, 2].map((call) => model.toolResult(1, call))).toEqual(["src/new.ts:1:a needle", "src/new.ts"]);
});

test("PI-09 the programs that search and list get neither the run's token nor the model's key", async () => {
  using checkout = await TestCheckout.create();
  const bin = `${checkout.home}/bin`;
  mkdirSync(bin);
  for (const name of ["git", "rg"]) {
    const real = Bun.which(name) ?? "/bin/false";
    writeFileSync(
      `${bin}/${name}`,
      `#!/bin/sh\n(echo "ARGUMENTS $*"; env) >> "$HOME/${name}-env"\nexec ${real} "$@"\n`,
    );
    chmodSync(`${bin}/${name}`, 0o755);
  }
  const search: [string, object][] = [
    ["grep", { pattern: "project", path: "README.md" }],
    ["grep", { pattern: "project(" }],
    ["list_files", {}],
  ];
  await using model = await TurnModel.start([{ calls: search }, FINISH]);
  await using agent = new AgentProcess(model.url, checkout, {
    PATH: `${bin}:${process.env.PATH}`,
    WS_TOKEN: "wsrun_test",
    SECRET_OF_THE_TEAM: "swordfish",
  });
  expect(await agent.work()).toBe(0);
  const rg = readFileSync(`${checkout.home}/rg-env`, "utf8");
  expect(rg).toContain("LC_ALL=C.UTF-8");
  const git = readFileSync(`${checkout.home}/git-env`, "utf8").split(/^(?=ARGUMENTS )/m);
  // The wrap-up at the end of the run uses git too, to commit in the run's name.
  const searching = git.filter((env) => /^ARGUMENTS .* (grep|ls-files) /.test(env));
  expect(searching.length).toBeGreaterThan(2);
  for (const env of [rg, ...searching])
    expect(env).not.toMatch(/wsrun_test|swordfish|LLM_|AGENT_|WINDSHIFT_/);
});

test("a plan is told to people in a role of its own, and again when it changes", async () => {
  using checkout = await TestCheckout.create();
  await using model = await TurnModel.start([
    { calls: [["plan", { text: "1. read\n2. mend" }]] },
    { calls: [["plan", { text: "2. mend\n3. test" }]] },
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  const plans = agent.list("message").filter(({ role }) => role === "plan");
  expect(plans.map(({ text }) => text)).toEqual(["1. read\n2. mend", "2. mend\n3. test"]);
  expect(model.toolResult(1)).toBe("shown");
});
