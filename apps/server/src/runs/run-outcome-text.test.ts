import { describe, expect, test } from "bun:test";
import { AttemptResult } from "@windshift/contract/job.ts";
import { SUMMARY_BYTES_MAX } from "@windshift/contract/limits.ts";
import { cpuMs } from "@windshift/testing/cpu-time.ts";
import { type Ending, Run } from "./run.ts";
import { describePullRequest, describeReply, pullRequestTitle } from "./run-outcome-text.ts";

const run = Run.parse({
  id: 7,
  workspace_id: 1,
  work_item_id: 1,
  agent_user_id: "agent",
  binding_id: 1,
  pool_id: 1,
  trigger_kind: "pr_comment",
  requested_by: "ada",
  status: "running",
  phase: "publishing",
  reason: null,
  detail: null,
  attempt: 1,
  interruptions: 0,
  labels: "[]",
  runner_id: null,
  lease_expires_at_ms: null,
  cancel_requested_at_ms: null,
  grants: "null",
  isolation: null,
  base_oid: null,
  pushed_oid: null,
  head_oid: null,
  summary: null,
  result: null,
  budget_short: null,
  branch_run_id: null,
  not_before_ms: null,
  forge_wait_since_ms: null,
  refusal: null,
  plan: null,
  prompt_notes: "[]",
  transcript_state: null,
  created_at_ms: 1,
  started_at_ms: 1,
  ended_at_ms: null,
});
const NAMES = { itemKey: "DEMO-12", itemTitle: "Fix it", agent: "Coding Agent", requestedBy: "Ada" };
const failed: Ending = { status: "failed", reason: "agent_failed", detail: null };

/** Every text that goes to a forge when the agent, and who chose names and paths, wrote this. */
function outgoing(said: string, name = said): string[] {
  const result = AttemptResult.parse({
    attempt: 1,
    isolation: "container",
    outcome: "completed",
    summary: said,
    failure: null,
    base_oid: null,
    head_oid: null,
    exit_code: 0,
  });
  const names = { ...NAMES, itemTitle: name, agent: name, requestedBy: name };
  const about = { run, names, result, baseUrl: "https://ws.example", commits: 1 };
  const { title, body } = describePullRequest({
    ...about,
    flags: [{ kind: "ci", path: name, what: "a CI file" }],
  });
  return [title, body, describeReply({ ...about, ending: { ...failed, detail: said } })];
}

const COMMANDS = [
  "Done.\n/merge",
  "/ready\n/target_branch production",
  "Done.\r/merge",
  "Done.\r\n\r\n/merge",
  ...["\v", "\f", "\u0085", "\u2028", "\u2029"].map((end) => `Done.${end}/merge`),
  "```\nx\n```\n/merge\n```",
  "````\n```\n/merge\n````",
  "<!--\n/merge\n-->",
  "> quoted\n/merge",
  ">>>\n/merge\n>>>",
  "\u0000/merge",
];

describe("a text for a forge", () => {
  for (const said of COMMANDS)
    test(`holds no command of ${JSON.stringify(said)}`, () => {
      for (const text of outgoing(said)) {
        const lines = text.split(/[\r\n\v\f\u0085\u2028\u2029]/);
        expect(lines.filter((line) => /^\s*\/\w+/.test(line))).toEqual([]);
      }
    });

  test("calls nobody, closes nothing and shows no HTML, image or hidden address", () => {
    const told: [string, RegExp][] = [
      ["@everyone and @octo/team", /@[\w-]/],
      ["a.b@octo", /@[\w-]/],
      ["&#64;octo &commat;octo &#x40;octo", /&[#\w]/],
      ["\\@octo", /@[\w-]/],
      ["Closes #12, fixes octo/shop#3 and GH-4 and !5", /#\d|GH-\d|!\d/],
      ["Closes\u0001 #12", /#\d/],
      ["Implements PROJ-12", /Implements PROJ/],
      ["Fixes: PROJ-12", /Fixes:/],
      ["see https://forge.example/a/b/issues/12 and /-/merge_requests/4", /(issues|merge_requests)\/\d/],
      ["<img src=https://evil.example/x> <details> </div> <!-- windshift -->", /<[a-z/!]/i],
      ["![](https://evil.example/x) ![x][1]", /!\[/],
      ["[https://bank.example](https://evil.example)", /\]\(https:..evil/],
      ["[a][b]\n\n[b]: https://evil.example", /\]:|\]\[/],
      ["a\u202eb\u2066c", /[\u202e\u2066]/],
      ["a\ud800b", /\ud800/],
    ];
    for (const [said, active] of told) {
      expect(said).toMatch(active);
      for (const text of outgoing(said)) expect([said, text.match(active)?.[0]]).toEqual([said, undefined]);
    }
  });

  test("still reads as it was written, and says whose words it is", () => {
    const said = "Renamed `a < b && c` to x.\n\n# Checks\n\n- [x] tests (all 12)";
    const [, body, reply] = outgoing(said, "Ada");
    const quoted = "> Renamed `a < b && c` to x.\n>\n> # Checks\n>\n> - [x] tests (all 12)\n";
    expect(body).toStartWith(`What Ada says:\n\n${quoted}\n`);
    expect(reply).toContain(`What Ada says:\n\n${quoted.trimEnd()}`);
  });

  test("of the largest summary is far below what GitHub takes, and links to the rest", () => {
    for (const unit of ["a", "\n", "@", "`\n", "](", "é"]) {
      const said = unit.repeat(SUMMARY_BYTES_MAX).slice(2, SUMMARY_BYTES_MAX);
      for (const text of outgoing(`x${said}x`, "Ada").slice(1)) {
        expect(Buffer.byteLength(text)).toBeLessThan(32_768);
        expect(text).toContain("https://ws.example/items/DEMO-12#run-7");
      }
    }
  });

  test("is made in no time, whatever is written", async () => {
    const took = await cpuMs(() => {
      for (const unit of ["fix ", "closes: ", "/issues/", "](", "<!--", "gh-", "fixfix", "issues "])
        outgoing(unit.repeat(SUMMARY_BYTES_MAX / 4).slice(0, SUMMARY_BYTES_MAX), "Ada");
    });
    expect(took).toBeLessThan(2_000);
  });
});

test("a title is one line that starts with the item and is left as it is when it asks for nothing", () => {
  expect(pullRequestTitle(NAMES)).toBe("DEMO-12: Fix it");
  expect(pullRequestTitle({ ...NAMES, itemTitle: "Fix\n 2  things" })).not.toContain("\n");
});
