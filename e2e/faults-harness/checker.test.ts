import { expect, test } from "bun:test";
import { findViolations } from "./checker.ts";
import type { Entry } from "./database-journal.ts";
import type { FaultRecord } from "./record.ts";

/** A checker that finds nothing proves nothing: each invariant is broken here once, in a record that is otherwise well. */
const ENTRY = { run: 1, attempt: 1, current: 1, live: 1, status: "running", runner: 7 } as const;
const entry = (id: number, kind: Entry["kind"], change: Partial<Entry> = {}): Entry => ({
  ...ENTRY,
  id,
  kind,
  at_ms: 10_000 * id,
  ...change,
});

/** One run: its first attempt is lost, its second one pushes and is put up for review. */
function wellRecord(): FaultRecord {
  const second = { attempt: 2, current: 2 };
  return {
    assigned: ["FAULT-1"],
    runs: [
      {
        id: 1,
        status: "succeeded",
        reason: "completed",
        detail: null,
        attempt: 2,
        work_item_id: 1,
        item: "FAULT-1",
      },
    ],
    journal: [
      entry(1, "run"),
      entry(2, "event"),
      entry(3, "run", { live: 0, status: "queued", runner: null }),
      entry(4, "run", second),
      entry(5, "event", second),
      entry(6, "push", second),
      entry(7, "result", second),
      entry(8, "run", { ...second, live: 0, runner: null }),
    ],
    stories: [
      { run: 1, attempt: 1, count: 3, distinct: 3, last: 3 },
      { run: 1, attempt: 2, count: 5, distinct: 5, last: 5 },
    ],
    pulls: [{ run: 1, count: 1 }],
    acknowledged: [
      { kind: "events", run: 1, attempt: 1, seq: 3, atMs: 20_000 },
      { kind: "result", run: 1, attempt: 2, seq: 0, atMs: 70_000 },
    ],
    refs: ["refs/heads/main", "refs/heads/agent-runs/run-1"],
    moves: [
      { ref: "refs/heads/main", attempt: 0, atMs: 0 },
      { ref: "refs/heads/agent-runs/run-1", attempt: 2, atMs: 60_000 },
    ],
    commits: [{ run: 1, count: 1 }],
    calls: [
      { run: 1, attempt: 1, atMs: 25_000 },
      { run: 1, attempt: 2, atMs: 55_000 },
    ],
    ledger: {
      lines: [
        { run: 1, status: 200, estimated: 0, tokens: 120 },
        { run: 1, status: 0, estimated: 1, tokens: 500 },
      ],
      holds: [{ run: 1, tokens: 40 }],
      uses: ["run", "binding", "workspace"].map((scope) => ({ scope, id: 1, tokens: 620, held: 40 })),
    },
    hosts: 2,
    registered: 2,
    poolMax: 1,
    capacity: 1,
    leftovers: [],
    deaths: [],
  };
}

test("a record in which all is well shows no violation", () => {
  expect(findViolations(wellRecord())).toEqual([]);
});

const BROKEN: [string, (record: FaultRecord) => void][] = [
  ["I1 the assignment of FAULT-2", (r) => r.assigned.push("FAULT-2")],
  ["I1 run 1 is running", (r) => set(r.runs, { status: "running" })],
  ["I2 run 1: event of attempt 1", (r) => r.journal.splice(5, 0, entry(99, "event", { current: 2 }))],
  ["I2 run 1: event of attempt 1", (r) => r.journal.splice(3, 0, entry(99, "event", { live: 0 }))],
  ["I2 run 1: push of attempt 1", (r) => r.journal.splice(5, 0, entry(99, "push", { current: 2 }))],
  ["I2 run 1: result of attempt 1", (r) => r.journal.splice(5, 0, entry(99, "result", { current: 2 }))],
  ["I2 run 1: run of attempt 1", (r) => r.journal.push(entry(99, "run", { live: 0 }))],
  ["I2 run 1: results of the attempts", (r) => r.acknowledged.push({ ...result(r), attempt: 1 })],
  ["I2 run 1: attempt 1 moved its branch", (r) => set(r.moves.slice(1), { attempt: 1 })],
  ["I3 run 1 has pull requests", (r) => set(r.pulls, { count: 2 })],
  ["I3 run 1 is completed and has no pull request", (r) => r.pulls.pop()],
  ["I3 run 1 has a pull request without a commit", (r) => set(r.commits, { count: 0 })],
  ["I3 run 1 ended without its agent's commit", (r) => set(r.runs, { reason: "no_changes" })],
  ["I4 there is a ref refs/tags/v1", (r) => r.refs.push("refs/tags/v1")],
  ["I4 there is a ref refs/heads/agent-runs/run-2", (r) => r.refs.push("refs/heads/agent-runs/run-2")],
  ["I4 main moved 2 times", (r) => r.moves.push({ ref: "refs/heads/main", attempt: 0, atMs: 1 })],
  ["I6 run 1: attempt 1 has 2 events up to number 3", (r) => set(r.stories, { count: 2, distinct: 2 })],
  ["I6 run 1: attempt 1 has 3 events", (r) => set(r.stories, { distinct: 2 })],
  ["I6 run 1: event 4 of attempt 1 was acknowledged", (r) => set(r.acknowledged, { seq: 4 })],
  ["I8 run 1: 3 calls written down, 2 made", (r) => r.ledger.lines.push(paid(), paid())],
  ["I8 run 1: 2 calls made, 1 written down", (r) => Object.assign(r.ledger, { lines: [paid()], holds: [] })],
  ["I8 run 1: a call of 120 tokens counts 119", (r) => set(r.ledger.lines, { tokens: 119 })],
  ["I8 run 1: its budget counts 619 tokens", (r) => set(r.ledger.uses, { tokens: 619 })],
  ["I8 the budget of the binding counts 0", (r) => set(r.ledger.uses.slice(1), { tokens: 0 })],
  ["I8 the budget of the workspace counts 620 tokens and 0", (r) => set(r.ledger.uses.slice(2), { held: 0 })],
  ["I8 the budget of binding 1", (r) => r.journal.push(entry(99, "overdraft", { status: "binding" }))],
  ["I9 run 1: a model call of attempt 1", (r) => r.calls.push({ run: 1, attempt: 1, atMs: 55_000 })],
  ["I9 run 1: a model call of attempt 2", (r) => r.calls.push({ run: 1, attempt: 2, atMs: 105_000 })],
  ["I10 host-1: spool/1-1", (r) => r.leftovers.push("host-1: spool/1-1")],
  ["I11 2 runs of a pool for 1", (r) => r.journal.splice(5, 0, entry(99, "run", { run: 2, runner: 8 }))],
  ["I11 2 runs on runner 7", (r) => r.journal.splice(5, 0, entry(99, "run", { run: 2 }))],
  ["I11 two live runs of one item", twoOfOneItem],
  ["I12 2 hosts registered as 3 runners", (r) => Object.assign(r, { registered: 3 })],
  ["I14 the server ended by itself", (r) => r.deaths.push("the server ended by itself with code 1")],
];

test.each(BROKEN)("it tells of %s", (violation, breakIt) => {
  const record = wellRecord();
  breakIt(record);
  expect(findViolations(record).filter((found) => found.startsWith(violation))).not.toEqual([]);
});

function set<T extends object>([first]: readonly T[], change: Partial<T>): void {
  if (first === undefined) throw new Error("the record has none");
  Object.assign(first, change);
}

function result(record: FaultRecord) {
  const found = record.acknowledged.find(({ kind }) => kind === "result");
  if (found === undefined) throw new Error("the record has no result");
  return found;
}

function paid() {
  return { run: 1, status: 200, estimated: 0, tokens: 120 };
}

function twoOfOneItem(record: FaultRecord): void {
  record.runs.push({
    id: 2,
    status: "failed",
    reason: "lost",
    detail: null,
    attempt: 1,
    work_item_id: 1,
    item: "FAULT-1",
  });
  record.journal.splice(5, 0, entry(99, "run", { run: 2, runner: 8 }));
}
