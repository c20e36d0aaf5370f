import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { ABORT_GRACE_MS } from "@windshift/contract/limits.ts";
import { eventually } from "../eventually.ts";
import type { ContractSuite } from "./contract-suite.ts";

/** Longer than any test waits, ms. */
const SILENCE_MS = 60_000;

/** What ends it early, and what must not keep it from ending. */
export function checkStops({ under, requests, check, bench }: ContractSuite): void {
  check("abort ends a running command and all its processes within the grace; commits stay", async () => {
    await using run = await bench([
      under.command(
        "git commit --quiet --allow-empty -m 'Kept' && (sleep 600 & sleep 600 & touch started; trap '' TERM; while :; do sleep 0.1; done)",
      ),
      under.finish("not reached"),
    ]);
    run.agent.send({ type: "prompt", message: "the task" });
    await eventually("the command runs", () => existsSync(run.path("started")));
    const startedMs = performance.now();
    run.agent.send({ type: "abort" });
    await run.ends("error");
    expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
    expect(run.agent.list("error")[0]?.code).toBe("aborted");
    expect(await run.git("log", "-1", "--format=%s")).toBe("Kept");
  });

  check("abort does not wait for a model that is silent", async () => {
    await using run = await bench([{ ...under.finish("too late"), delay_ms: SILENCE_MS }]);
    const before = requests().length;
    run.agent.send({ type: "prompt", message: "the task" });
    await eventually("the model was asked", () => requests().length > before);
    const startedMs = performance.now();
    run.agent.send({ type: "abort" });
    await run.ends("error");
    expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
  });

  check("the end of input ends it, before the prompt and in the middle of its work", async () => {
    await using idle = await bench([under.finish("not reached")]);
    idle.agent.closeInput();
    await idle.ends("error");
    await using busy = await bench([under.command("touch started; sleep 600"), under.finish("not reached")]);
    busy.agent.send({ type: "prompt", message: "the task" });
    await eventually("the command runs", () => existsSync(busy.path("started")));
    busy.agent.closeInput();
    const startedMs = performance.now();
    await busy.ends("error");
    expect(performance.now() - startedMs).toBeLessThan(ABORT_GRACE_MS);
  });

  check("what a command leaves in the background does not keep the run from ending", async () => {
    await using run = await bench([
      under.command("(sleep 600 >/dev/null 2>&1 &) ; echo left"),
      under.finish("all is done"),
    ]);
    await run.finishes();
  });
}
