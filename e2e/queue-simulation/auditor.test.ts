import { expect, test } from "bun:test";
import { Auditor, type Entry } from "./auditor.ts";

/** An auditor that finds nothing proves nothing: each rule is broken here once, in a story that is otherwise well. */
let ids = 0;
const entry = (change: Partial<Entry>): Entry => ({
  id: ++ids,
  tx: ids,
  kind: "run",
  run: 1,
  attempt: 0,
  current: change.attempt ?? 0,
  live: 0,
  status: "queued",
  phase: null,
  runner: null,
  pool: 1,
  workspace: 1,
  item: 1,
  agent: "agent",
  ...change,
});
const claimed = (change: Partial<Entry> = {}) =>
  entry({ attempt: 1, live: 1, status: "running", runner: 7, ...change });

function violationsOf(...entries: Entry[]): string[] {
  const caps = {
    pools: new Map([[1, 2]]),
    runners: new Map([
      [7, 1],
      [8, 3],
    ]),
    plainPools: new Set([1]),
  };
  const auditor = new Auditor(caps);
  auditor.follow(entries);
  return auditor.violations;
}

test("a run that is lost once and done by another runner is well", () => {
  const effect = { attempt: 2, live: 1, status: "running", runner: 8 };
  expect(
    violationsOf(
      entry({}),
      claimed(),
      entry({ kind: "event", attempt: 1, live: 1, status: "running", runner: 7 }),
      entry({ attempt: 1 }),
      claimed({ attempt: 2, runner: 8 }),
      entry({ kind: "push", ...effect }),
      entry({ kind: "result", ...effect }),
      entry({ attempt: 2, status: "running", phase: "publishing" }),
      entry({ attempt: 2, status: "succeeded" }),
    ),
  ).toEqual([]);
});

const second = { run: 2, item: 2 };
const third = { run: 3, item: 3 };
const BROKEN: [string, Entry[]][] = [
  ["I1 run 1 (entry", [entry({}), entry({ status: "canceled" }), entry({ status: "queued" })]],
  ["I2 run 1 (entry", [entry({}), claimed(), entry({ attempt: 0 })]],
  ["I2 run 1 (entry", [entry({}), claimed({ attempt: 2 })]],
  ["I2 run 1 (entry", [entry({}), claimed(), claimed({ attempt: 2, runner: 8 })]],
  ["I2 run 1 (entry", [entry({}), claimed(), claimed({ runner: 8 })]],
  ["I2 run 1 (entry", [entry({}), claimed({ runner: null })]],
  ["I2 run 1: event of attempt 1", [entry({}), entry({ kind: "event", attempt: 1, current: 2, live: 1 })]],
  ["I2 run 1: result of attempt 1", [entry({}), entry({ kind: "result", attempt: 1, live: 0 })]],
  ["I11 2 active runs", [entry({}), entry({ run: 2 })]],
  ["I11 2 runs of runner 7", [entry({}), entry(second), claimed(), claimed(second)]],
  [
    "I11 3 runs of pool 1",
    [
      ...[{}, second, third].map((one) => entry(one)),
      ...[{}, second, third].map((one) => claimed({ ...one, runner: 8 })),
    ],
  ],
  [
    "I15 pool and workspace 1 1 got a run",
    [
      ...[{}, second, { ...third, workspace: 2 }].map((one) => entry(one)),
      ...[{}, second].map((one) => claimed({ ...one, runner: 8 })),
    ],
  ],
];

test.each(BROKEN)("it tells of %s", (violation, entries) => {
  expect(violationsOf(...entries).filter((found) => found.startsWith(violation))).not.toEqual([]);
});
