import { expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { AgentProcess, TestCheckout } from "../testing/agent-process.ts";
import { FINISH, type Turn, TurnModel } from "../testing/turn-model.ts";

test("a model that misses at first gets to its edit with what it was told", async () => {
  using checkout = await TestCheckout.create();
  writeFileSync(checkout.path("app.js"), "function add(a, b) {\r\n\treturn a - b;\r\n}\r\n");
  const edit = (old_text: string): Turn => ({
    calls: [["edit_file", { path: "app.js", edits: [{ old_text, new_text: "\treturn a + b;\n}" }] }]],
  });
  const read: Turn = { calls: [["read_file", { path: "app.js" }]] };
  await using model = await TurnModel.start([
    read,
    edit("    return a - b;\n}"),
    edit("\treturn a - b;\n}"),
    FINISH,
  ]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  expect(model.toolResult(1)).toBe(
    "1\tfunction add(a, b) {\n2\t\treturn a - b;\n3\t}\n[CRLF line endings, which edit_file keeps]",
  );
  expect(model.toolResult(2)).toContain(
    "it is at lines 2 to 3 but for indentation: line 2 begins with 1 tab, in old_text with 4 spaces",
  );
  expect(model.toolResult(3)).toBe("replaced 1 match in app.js, line 2");
  expect(readFileSync(checkout.path("app.js"), "utf8")).toBe(
    "function add(a, b) {\r\n\treturn a + b;\r\n}\r\n",
  );
});

test("PI-09 the agent's own environment, with the run's token, is not read through a file tool", async () => {
  using checkout = await TestCheckout.create();
  symlinkSync("/proc", checkout.path("proc"));
  const paths = [
    "/proc/self/environ",
    "proc/self/environ",
    "proc/1/environ",
    "proc/self/root/etc/passwd",
    "proc/self/fd/0",
  ];
  const turn: Turn = {
    calls: [
      ...paths.map((path): [string, object] => ["read_file", { path }]),
      ["write_file", { path: "proc/self/comm", content: "x" }],
      ["edit_file", { path: "proc/self/comm", old_text: "a", new_text: "b" }],
    ],
  };
  await using model = await TurnModel.start([turn, FINISH]);
  await using agent = new AgentProcess(model.url, checkout);
  expect(await agent.work()).toBe(0);
  for (let call = 0; call < turn.calls.length; call++) {
    expect(model.toolResult(1, call)).toStartWith("error: ");
    expect(model.toolResult(1, call)).not.toContain("wsrun_test");
  }
});
