import { expect } from "bun:test";
import type { ContractSuite } from "./contract-suite.ts";

/** One line of output of a command, bytes: over the limit of a line of the contract. */
const FLOOD_BYTES = 3_000_000;

/** The way from the prompt to the end: tools, commits, output. */
export function checkWork({ under, check, bench }: ContractSuite): void {
  check("a prompt leads to one finish, then session_idle, and exit code 0", async () => {
    await using run = await bench([under.command("echo hello > new.txt"), under.finish("all is done")]);
    await run.finishes();
    expect(run.agent.events[0]?.type).toBe("starting");
    const [finish] = run.agent.list("finish");
    expect(finish).toMatchObject({ outcome: "completed" });
    expect(finish?.summary).toContain("all is done");
    expect(run.agent.list("tool_done").length > 0).toBe(under.can.toolEvents !== "none");
  });

  check("a tool is seen to start and to end under one id", async () => {
    await using run = await bench([under.command("echo told; exit 3"), under.finish("all is done")]);
    await run.finishes();
    const [started, done] = [run.agent.list("tool_start")[0], run.agent.list("tool_done")[0]];
    if (under.can.toolEvents === "none") return expect([started, done]).toEqual([undefined, undefined]);
    expect(done).toMatchObject({ id: started?.id, tool: started?.tool });
    expect(done?.exit_code).toBe(under.can.toolEvents === "with_exit_code" ? 3 : undefined);
    expect(done?.output).toContain("told");
    expect(JSON.stringify(started?.args)).toContain("echo told");
  });

  check("commits carry the agent's name and the run's trailers, what was left uncommitted too", async () => {
    await using run = await bench([
      under.command("echo one > one.txt && git add one.txt && git commit --quiet --message 'Add one'"),
      under.command("echo two > two.txt"),
      under.finish("all is done"),
    ]);
    await run.finishes();
    expect(await run.git("status", "--porcelain")).toBe("");
    expect(await run.git("show", "HEAD:two.txt")).toBe("two");
    const log = await run.git("log", "--format=%an <%ae>|%(trailers:separator=%x3B)", "main~2..main");
    const expected =
      "windshift-agent <agent@windshift.local>|Windshift-Run: 7;Windshift-Item: DEMO-1;Requested-by: Ada <ada@example.test>";
    // The base commit has been there before: two are new.
    expect(log.split("\n")).toEqual([expected, expected]);
  });

  check("output larger than a line may be is cut, not sent", async () => {
    const flood = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x`;
    await using run = await bench([under.command(flood), under.finish("all is done")]);
    await run.finishes();
  });
}
