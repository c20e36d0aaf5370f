import { expect, test } from "bun:test";
import { RunEvent } from "@windshift/contract/event.ts";
import { buildEvent, buildJob } from "./jobs.ts";

test("a built job names its run's branch and carries two different tokens", () => {
  const job = buildJob({ run: 12, limits: { turns: 3 } });
  expect(job.repo.branch).toBe("agent-runs/run-12");
  expect(job.limits.turns).toBe(3);
  expect(job.tokens.agent).not.toBe(job.tokens.git);
});

test("a job that breaks the contract is refused", () => {
  expect(() => buildJob({ repo: { branch: "-d" } })).toThrow(/branch name/);
});

test("a built event is one the contract takes", () => {
  expect(RunEvent.parse(buildEvent(3))).toMatchObject({ seq: 3, type: "content" });
});
