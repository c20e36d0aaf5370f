import { describe, expect, test } from "bun:test";
import type { LoopEnd } from "../loop-end.ts";
import { type CallTrace, judgeTurn, type TurnTrace } from "./guard.ts";
import { guardsOfRun } from "./guards.ts";

type Told = { turn: number; text: string };
interface Course {
  nudges: Told[];
  end: { turn: number; end: LoopEnd } | undefined;
  /** Turns at which the working tree was looked at. */
  looks: number;
}

const bash = (command: string, output = "ok", failed = false): CallTrace => ({
  tool: "bash",
  argsText: JSON.stringify({ command }),
  output,
  failed,
});
const edit = (path: string, old_text: string, new_text: string): CallTrace => ({
  tool: "edit_file",
  argsText: JSON.stringify({ path, old_text, new_text }),
  output: `replaced 1 match in ${path}`,
  failed: false,
});
const read = (path: string, output: string): CallTrace => ({
  tool: "read_file",
  argsText: JSON.stringify({ path }),
  output,
  failed: false,
});

/** Plays turns to the guards of a run until one ends it. */
async function play(
  turns: number,
  turnAt: (turn: number) => Partial<TurnTrace>,
  { turnsMax = 1_000, markAt = (_turn: number) => "same" as string | undefined } = {},
): Promise<Course> {
  const guards = guardsOfRun(turnsMax);
  const course: Course = { nudges: [], end: undefined, looks: 0 };
  for (let turn = 1; turn <= turns; turn++) {
    const { nudges, end } = await judgeTurn(guards, {
      calls: [],
      callsDropped: 0,
      finishReason: "tool_calls",
      turnsLeft: turnsMax - turn,
      steered: false,
      messageWaits: false,
      treeMark: () => {
        course.looks++;
        return Promise.resolve(markAt(turn));
      },
      ...turnAt(turn),
    });
    course.nudges.push(...nudges.map((text) => ({ turn, text })));
    if (end === undefined) continue;
    course.end = { turn, end };
    break;
  }
  return course;
}

describe("the cap on turns", () => {
  test("is announced at ten, three and one turn left, and ends the run", async () => {
    const course = await play(100, (turn) => ({ calls: [read(`${turn}`, `text ${turn}`)] }), {
      turnsMax: 30,
    });
    expect(course.nudges.map(({ turn }) => turn)).toEqual([20, 27, 29]);
    expect(course.nudges[0]?.text).toContain("Only 10 replies are left");
    expect(course.nudges[2]?.text).toContain("Call finish now");
    expect(course.end).toMatchObject({ turn: 30, end: { kind: "gave_up", code: "turns_exhausted" } });
  });
});

describe("the same failing call", () => {
  const failing = bash("npm test", "1 failed\n[exit code 1]", true);

  test("gets a nudge at the third failure and ends the run as blocked at the sixth", async () => {
    const course = await play(100, () => ({ calls: [failing] }));
    expect(course.nudges.map(({ turn }) => turn)).toEqual([3]);
    expect(course.end?.turn).toBe(6);
    expect(course.end?.end).toMatchObject({ kind: "finished", outcome: "blocked" });
    const summary = course.end?.end.kind === "finished" ? course.end.end.summary : "";
    expect(summary).toContain('bash {"command":"npm test"}');
    expect(summary).toContain("failed 6 times");
    expect(summary).toEndWith("1 failed\n[exit code 1]");
  });

  test("counts once a turn, and with other looks in between", async () => {
    const many = await play(100, () => ({ calls: [failing, failing, failing, failing, failing, failing] }));
    expect(many.nudges.map(({ turn }) => turn)).toEqual([3]);
    expect(many.end?.turn).toBe(6);
    const looks = await play(100, (turn) => ({
      calls: turn % 2 === 0 ? [failing] : [read(`file${turn}.ts`, `content ${turn}`)],
    }));
    expect(looks.end?.turn).toBe(12);
  });

  test("ends the run although another one gets its nudge in the same turn", async () => {
    const other = bash("npm run lint", "1 problem\n[exit code 1]", true);
    const course = await play(100, (turn) => ({ calls: turn > 3 ? [failing, other] : [failing] }));
    expect(course.end?.turn).toBe(6);
  });

  test("is not excused by commands in between that change nothing", async () => {
    const course = await play(100, (turn) => ({ calls: [bash(`ls ${turn}`, `file ${turn}`), failing] }));
    expect(course.nudges.map(({ turn }) => turn)).toEqual([3]);
    expect(course.end?.turn).toBe(6);
  });

  test("is work when commands in between change the tree, also by a commit", async () => {
    const course = await play(
      60,
      (turn) => ({ calls: [bash(`sed -i s/${turn}/x/ a`, `${turn}`), failing] }),
      {
        markAt: (turn) => `tree ${turn}`,
      },
    );
    expect(course).toMatchObject({ nudges: [], end: undefined });
  });

  test("is not excused by what it leaves in the tree itself", async () => {
    const course = await play(100, () => ({ calls: [failing] }), { markAt: (turn) => `tree ${turn}` });
    expect(course.end?.turn).toBe(6);
  });

  test("is work when something changes in between", async () => {
    const course = await play(100, (turn) => ({
      calls: turn % 2 === 0 ? [failing] : [edit("a.ts", `${turn}`, `${turn + 1}`)],
    }));
    expect(course).toMatchObject({ nudges: [], end: undefined });
  });

  test("is not excused by a change that is undone and redone", async () => {
    const course = await play(100, (turn) => ({
      calls: [turn % 2 === 0 ? edit("a.ts", "x", "y") : edit("a.ts", "y", "x"), failing],
    }));
    expect(course.end?.end).toMatchObject({ kind: "finished", outcome: "blocked" });
  });

  test("does not hold long arguments and outputs in the summary", async () => {
    const long = bash("x".repeat(100_000), "y".repeat(100_000), true);
    const { end } = (await play(100, () => ({ calls: [long] }))).end ?? {};
    expect(end?.kind === "finished" && end.summary.length < 1_200).toBe(true);
  });
});

describe("turns without progress", () => {
  for (const [what, turnAt] of Object.entries({
    "one call again and again": () => ({ calls: [bash("ls", "a\nb")] }),
    "a circle of two calls": (turn: number) => ({ calls: [turn % 2 ? bash("ls", "a") : bash("pwd", "/w")] }),
    "a poll with another wait each time": (turn: number) => ({
      calls: [bash(`sleep ${turn}; date +%s; curl x`, `17000${turn}\nrefused`)],
    }),
    "a poll with other flags each time": (turn: number) => ({
      calls: [bash(`curl -${"s".repeat(turn)} x`, "not ready yet")],
    }),
    "commands that say and do nothing": (turn: number) => ({ calls: [bash(`: ${"x".repeat(turn)}`, "")] }),
    "an edit that is undone and redone": (turn: number) => ({
      calls: [turn % 2 ? edit("a", "x", "y") : edit("a", "y", "x")],
    }),
  }))
    test(`${what}: a nudge, then blocked`, async () => {
      const course = await play(100, turnAt);
      expect(course.nudges.length).toBe(1);
      expect(course.nudges[0]?.text).toContain("nothing new");
      expect(course.nudges[0]?.turn).toBeLessThanOrEqual(12);
      expect(course.end?.turn).toBeLessThanOrEqual(22);
      expect(course.end?.end).toMatchObject({ kind: "finished", outcome: "blocked" });
      expect(course.looks).toBeLessThanOrEqual(4);
    });

  test("a circle of edits is seen by its trees", async () => {
    const course = await play(
      100,
      (turn) => ({ calls: [turn % 2 ? edit("a", "x", "y") : edit("a", "y", "x")] }),
      { markAt: (turn) => (turn % 2 ? "y" : "x") },
    );
    expect(course.end?.end).toMatchObject({ kind: "finished", outcome: "blocked" });
    expect(course.end?.turn).toBeLessThanOrEqual(40);
  });

  test("silent commands that change the working tree are progress", async () => {
    const course = await play(200, (turn) => ({ calls: [bash(`sed -i s/${turn}/x/ a`, "")] }), {
      markAt: (turn) => `tree ${turn}`,
    });
    expect(course).toMatchObject({ nudges: [], end: undefined });
  });

  test("reading what is new ends nothing, as a review does no more: a nudge every 60 turns without a change", async () => {
    const course = await play(200, (turn) => ({ calls: [read(`f${turn}`, `text of ${turn}`)] }));
    expect(course.nudges.map(({ turn }) => turn)).toEqual([60, 120, 180]);
    expect(course.nudges[0]?.text).toContain("a review or an answer");
    expect(course).toMatchObject({ end: undefined, looks: 6 });
  });

  test("edits, commits among reading, and a person's word all begin the count anew", async () => {
    const reading = (turn: number) => ({ calls: [read(`f${turn}`, `text of ${turn}`)] });
    for (const course of [
      await play(400, (turn) => (turn % 40 ? reading(turn) : { calls: [edit("a", `${turn}`, "x")] })),
      await play(400, reading, { markAt: (turn) => `commit ${Math.floor(turn / 40)}` }),
      await play(400, (turn) => ({ ...reading(turn), steered: turn % 40 === 0 })),
    ])
      expect(course).toMatchObject({ nudges: [], end: undefined });
  });

  test("an ordinary run looks at no tree at all", async () => {
    const course = await play(40, (turn) => ({
      calls: turn % 3 ? [read(`f${turn}`, `text of ${turn}`)] : [edit("a", `${turn}`, "x")],
    }));
    expect(course).toEqual({ nudges: [], end: undefined, looks: 0 });
  });

  test("a git that cannot tell is no progress", async () => {
    const course = await play(100, () => ({ calls: [bash("ls", "a")] }), { markAt: () => undefined });
    expect(course.end?.turn).toBe(21);
  });
});

describe("a model that stops without finish", () => {
  const stop = { finishReason: "stop" };

  test("is asked once, and stopping again ends the run", async () => {
    const course = await play(9, () => stop);
    expect(course.nudges.map(({ turn }) => turn)).toEqual([1]);
    expect(course.end).toMatchObject({ turn: 2, end: { kind: "gave_up", code: "no_finish" } });
  });

  test("is asked again when it worked in between, five times in all", async () => {
    const course = await play(99, (turn) =>
      turn % 2 ? stop : { calls: [edit("a", `${turn}`, `${turn + 1}`)] },
    );
    expect(course.nudges.map(({ turn }) => turn)).toEqual([1, 3, 5, 7, 9]);
    expect(course.end).toMatchObject({ turn: 11, end: { kind: "gave_up", code: "no_finish" } });
  });

  test("is not asked while a person's message waits, and is asked after it", async () => {
    const course = await play(9, (turn) => ({
      ...stop,
      messageWaits: turn <= 3,
      steered: turn >= 2 && turn <= 4,
    }));
    expect(course.nudges.map(({ turn }) => turn)).toEqual([4]);
    expect(course.end?.turn).toBe(5);
  });

  test("an unknown reason, or none, counts as a stop", async () => {
    for (const finishReason of ["pause_turn", undefined])
      expect((await play(9, () => ({ finishReason }))).end?.end).toMatchObject({ code: "no_finish" });
  });
});

describe("cut replies", () => {
  test("are continued five times in a row, then the run ends with the reason", async () => {
    const course = await play(99, () => ({ finishReason: "length" }));
    expect(course.nudges.map(({ turn }) => turn)).toEqual([1, 2, 3, 4, 5]);
    expect(course.end).toMatchObject({ turn: 6, end: { kind: "gave_up", code: "length" } });
  });

  test("with calls cut in the middle count too; a call that worked does not", async () => {
    const cut = bash('{"command": "cat', "error: the arguments are not valid JSON", true);
    const cuts = await play(99, (turn) => ({
      finishReason: "length",
      calls: [{ ...cut, argsText: cut.argsText + turn }],
    }));
    expect(cuts.end).toMatchObject({ turn: 6, end: { code: "length" } });
    const works = await play(40, (turn) => ({ finishReason: "length", calls: [edit("a", `${turn}`, "x")] }));
    expect(works).toMatchObject({ nudges: [], end: undefined });
  });

  test("of a content filter end the run sooner", async () => {
    const course = await play(99, () => ({ finishReason: "content_filter" }));
    expect(course.end).toMatchObject({ turn: 4, end: { kind: "gave_up", code: "content_filter" } });
  });
});

test("calls over the limit of one reply are named to the model", async () => {
  const course = await play(1, () => ({ calls: [bash("ls")], callsDropped: 999_999 }));
  expect(course.nudges[0]?.text).toContain("held 1000000 tool calls");
});
