import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { eventually } from "@windshift/testing/eventually.ts";
import { ToolRig } from "../testing/tool-rig.ts";
import { bashTool } from "./tool-bash.ts";

test("both outputs come in their order, with the exit code", async () => {
  using rig = await ToolRig.create();
  const command = "echo one; echo two >&2; echo three; exit 3";
  expect(await rig.call(bashTool, { command })).toEqual({
    output: "one\ntwo\nthree\n[exit code 3]",
    exitCode: 3,
    truncated: false,
  });
});

test("what a shell cannot parse gets its words, by the line; the next command is clean of them", async () => {
  using rig = await ToolRig.create();
  const broken = await rig.call(bashTool, { command: "if; then\necho never" });
  expect(broken.output).toMatch(/line 1: syntax error.*\n(.*\n)*\[exit code 2\]$/);
  expect((await rig.call(bashTool, { command: "echo fine; exit 4" })).output).toBe("fine\n[exit code 4]");
  const later = await rig.call(bashTool, { command: "echo first\nif; then" });
  expect(later.output).toMatch(/^first\n.*line 2: syntax error/);
});

test("a command counts characters, not bytes, in an environment that names no language", async () => {
  using rig = await ToolRig.create();
  expect((await rig.call(bashTool, { command: "printf 'grüße' | wc -m" })).output).toBe("5");
});

test("people see what a command prints while it runs; the model gets it once", async () => {
  using rig = await ToolRig.create();
  const running = rig.call(bashTool, {
    command: "echo first; until test -e go; do sleep 0.02; done; echo last",
  });
  await eventually("the first line", () => rig.live.join("") === "first\n");
  writeFileSync(rig.checkout.path("go"), "");
  expect((await running).output).toBe("first\nlast");
});

test("a command that ends at once shows nothing before its result", async () => {
  using rig = await ToolRig.create();
  await rig.call(bashTool, { command: "echo fast" });
  expect(rig.live).toEqual([]);
});

/** Ways to get away from a shell and its process group. Each writes the pid of what goes on. */
const ESCAPES = {
  "in the background": "sleep 300 & echo $! > pid",
  "ignoring hang-ups": "nohup sleep 300 >/dev/null 2>&1 & echo $! > pid",
  "in a session of its own":
    "setsid sh -c 'echo $$ > pid; exec sleep 300' >/dev/null 2>&1 & until test -s pid; do :; done",
  "as a daemon forked twice":
    "(setsid sh -c '(sh -c \"echo \\$\\$ > pid; exec sleep 300\" &)' &) ; until test -s pid; do :; done",
  "holding the output open": "setsid sh -c 'echo $$ > pid; exec sleep 300' & until test -s pid; do :; done",
  "deaf to polite signals":
    "setsid sh -c 'trap \"\" TERM HUP INT; echo $$ > pid; sleep 300; sleep 300' & until test -s pid; do :; done",
};
for (const [name, command] of Object.entries(ESCAPES))
  test(`a process left behind ${name} ends with its command`, async () => {
    using rig = await ToolRig.create();
    const startedMs = performance.now();
    expect((await rig.call(bashTool, { command: `${command}; echo done` })).output).toBe("done");
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    const pid = readFileSync(rig.checkout.path("pid"), "utf8").trim();
    await eventually("the end of the process", () => !isRunning(pid));
  });

test("processes of others stay, those of another call too", async () => {
  using rig = await ToolRig.create();
  const long = rig.call(bashTool, { command: "setsid --wait sh -c 'echo $$ > pid; exec sleep 300'" });
  await eventually(
    "a pid",
    () => existsSync(rig.checkout.path("pid")) && readFileSync(rig.checkout.path("pid"), "utf8") !== "",
  );
  const other = Bun.spawn(["sleep", "300"]);
  try {
    await rig.call(bashTool, { command: "sleep 300 & true" });
    expect(isRunning(String(other.pid))).toBe(true);
    expect(isRunning(readFileSync(rig.checkout.path("pid"), "utf8").trim())).toBe(true);
  } finally {
    other.kill("SIGKILL");
    rig.abort.abort();
    await long;
  }
});

test("a command that takes too long may clean up, and so may its children, before they are killed", async () => {
  using rig = await ToolRig.create();
  const child = "trap 'sleep 0.1; echo cleaned > cleaned; exit' TERM; while :; do sleep 0.02; done";
  writeFileSync(rig.checkout.path("child.sh"), child);
  const { output, exitCode } = await rig.call(bashTool, { command: "echo begun; sh child.sh", timeout_s: 1 });
  expect(output).toStartWith("begun\n");
  expect(output).toEndWith("[timed out after 1 s; the command and its children were killed]");
  expect(exitCode).not.toBe(0);
  expect(readFileSync(rig.checkout.path("cleaned"), "utf8")).toBe("cleaned\n");
});

test("an abort ends a command that is deaf to polite signals", async () => {
  using rig = await ToolRig.create();
  const running = rig.call(bashTool, {
    command: "trap '' TERM; echo ready > ready; while :; do sleep 1; done",
  });
  await eventually("the command", () => existsSync(rig.checkout.path("ready")));
  rig.abort.abort();
  expect((await running).output).toBe("[aborted]");
});

test("there is neither input nor a terminal to wait for", async () => {
  using rig = await ToolRig.create();
  expect((await rig.call(bashTool, { command: "cat; echo end" })).output).toBe("end");
  const { output, exitCode } = await rig.call(bashTool, {
    command: "read answer < /dev/tty && echo $answer",
  });
  expect(exitCode).toBe(1);
  expect(output).toContain("/dev/tty");
});

test("a program's bytes are named, not shown", async () => {
  using rig = await ToolRig.create();
  const { output } = await rig.call(bashTool, { command: "echo look:; cat /bin/ls; echo; echo seen" });
  expect(output.length).toBeLessThan(500);
  expect(output).toStartWith("look:\n[binary output is not shown]\n");
  expect(output).toEndWith("seen");
  const kept = readFileSync(/in (\S+) /.exec(output)?.[1] ?? "");
  expect(kept.includes(readFileSync("/bin/ls"))).toBe(true);
});

test("a flood is cut, takes its time only, and the rest is told to come once", async () => {
  using rig = await ToolRig.create();
  const { output, truncated } = await rig.call(bashTool, { command: "yes flood", timeout_s: 1 });
  expect(truncated).toBe(true);
  expect(output.length).toBeLessThan(25_000);
  const live = rig.live.join("");
  expect(live.length).toBeLessThan(40_000);
  expect(live.match(/more output comes with the result/g)).toHaveLength(1);
});

test("a command that is too long to be started gets an answer", async () => {
  using rig = await ToolRig.create();
  const { output } = await rig.call(bashTool, { command: `echo ${"x".repeat(140_000)}` });
  expect(output).toContain("too long");
  expect((await rig.call(bashTool, { command: `echo ${"x".repeat(129_000)} | wc -c` })).output).toBe(
    "129001",
  );
});

test("an image without bash has its sh", async () => {
  using rig = await ToolRig.create();
  const only = rig.checkout.path("sh");
  writeFileSync(only, '#!/bin/sh\necho "this is sh"\nexec /bin/sh "$@"\n');
  chmodSync(only, 0o755);
  rig.env.PATH = rig.checkout.dir;
  expect((await rig.call(bashTool, { command: "echo hello" })).output).toBe("this is sh\nhello");
});

/** A zombie counts as gone: whoever reaps it is not ours. */
function isRunning(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
