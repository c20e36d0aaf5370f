import { expect, test } from "bun:test";
import { Oid } from "@windshift/contract/ids.ts";
import { PushPolicy } from "@windshift/contract/push-policy.ts";
import type { InspectionJob } from "./inspection-job.ts";
import { INSPECTION_LINE_BYTES_MAX, InspectionProcesses } from "./inspection-process.ts";

const JOB: InspectionJob = {
  kind: "job",
  git_dir: "/nonexistent",
  index_file: null,
  tip: Oid.parse("1".repeat(40)),
  base: null,
  branch: null,
  policy: PushPolicy.parse({}),
};

/** A process that answers its first line with what `answer`, JavaScript, writes. */
function answering(answer: string): InspectionProcesses {
  const program = `for await (const line of console) { ${answer} }`;
  return new InspectionProcesses([process.execPath, "-e", program]);
}

test("an answer without an end is cut off and not collected", async () => {
  const processes = answering(
    `for (let i = 0; i < 64; i++) await Bun.write(Bun.stdout, "x".repeat(${INSPECTION_LINE_BYTES_MAX / 8}));`,
  );
  await expect(processes.run(1, JOB, new AbortController().signal)).rejects.toThrow("answered more than");
  processes.close();
});

test("two answers that come at once are read one by one", async () => {
  const findings = [{ kind: "ci_file", path: "ü.yml", what: "added" }];
  const [first, second] = [
    { kind: "looked_at", findings: [] },
    { kind: "done", findings },
  ].map((reply) => JSON.stringify(reply));
  const processes = answering(`await Bun.write(Bun.stdout, ${JSON.stringify(`${first}\n${second}\n`)});`);
  const ended = await processes.run(1, JOB, new AbortController().signal);
  expect(ended).toMatchObject({ kind: "done", findings });
  processes.close();
});

test("the process that was told where a push will lie is the one that is asked about it", async () => {
  // Names the places it was told of.
  const processes = answering(`
    const asked = JSON.parse(line);
    globalThis.told ??= [];
    if (asked.kind === "place") { told.push(asked.git_dir); continue; }
    const findings = [{ kind: "ci_file", path: told.join(), what: "added" }];
    await Bun.write(Bun.stdout, JSON.stringify({ kind: "done", findings }) + "\\n");`);
  const signal = new AbortController().signal;
  const pathFound = async (git_dir: string) => {
    const ended = await processes.run(1, { ...JOB, git_dir }, signal);
    return ended.kind === "done" ? ended.findings[0]?.path : undefined;
  };
  processes.expect({ kind: "place", git_dir: "/first" });
  expect(await pathFound("/first")).toBe("/first");
  processes.expect({ kind: "place", git_dir: "/abandoned" });
  processes.expect({ kind: "place", git_dir: "/second" });
  expect(await pathFound("/second")).toBe("/first,/abandoned,/second");
  processes.close();
});
