import { expect, test } from "bun:test";
import { absoluteFigure, Figure, relativeFigure } from "./figure.ts";
import { inTurn, interleaved, median, summarize } from "./measure.ts";

const SUBJECT = { bench: "b", metric: "m", unit: "ms", bar: 1.5 } as const;

test("a median is the middle sample, or the mean of the two", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 2, 10, 20])).toBe(6);
  expect(() => median([])).toThrow();
});

test("one spoiled sample moves neither the median nor the spread", () => {
  expect(summarize([10, 11, 12, 13, 9_000])).toEqual({ median: 12, spread: 1 });
});

test("subject and floor are measured in turn, who goes first changes, and the warm-up does not count", async () => {
  const order: string[] = [];
  const result = await interleaved(
    2,
    async (round) => order.push(`s${round}`),
    async (round) => order.push(`f${round}`),
  );
  expect(order).toEqual(["f0", "s0", "s1", "f1", "f2", "s2"]);
  expect(result).toEqual({ subject: [3, 6], floor: [4, 5] });
});

test("of several things each goes first once, and the warm-up does not count", async () => {
  const order: string[] = [];
  const subjects = ["a", "b", "c"].map((name) => async (round: number) => order.push(`${name}${round}`));
  expect(await inTurn(2, subjects)).toEqual([
    [6, 8],
    [4, 9],
    [5, 7],
  ]);
  expect(order).toEqual(["a0", "b0", "c0", "b1", "c1", "a1", "c2", "a2", "b2"]);
});

test("a bar is on the ratio where there is a reference, and on the value where there is none", () => {
  const relative = relativeFigure(SUBJECT, [14, 15, 16], "floor", [10, 10, 11]);
  expect(Figure.parse(relative)).toMatchObject({ value: 15, referenceValue: 10, ratio: 1.5, holds: true });
  expect(relativeFigure(SUBJECT, [16], "floor", [10]).holds).toBe(false);
  expect(absoluteFigure({ ...SUBJECT, bar: 300 }, [299])).toMatchObject({ ratio: null, holds: true });
  expect(absoluteFigure({ ...SUBJECT, bar: 300 }, [301]).holds).toBe(false);
  const beside = absoluteFigure({ ...SUBJECT, bar: 10 }, [9], { name: "floor", samples: [3] });
  expect(Figure.parse(beside)).toMatchObject({ ratio: 3, barOn: "value", holds: true });
  const compared = relativeFigure({ ...SUBJECT, bar: null }, [90], "ours", [3]);
  expect(Figure.parse(compared)).toMatchObject({ ratio: 30, bar: null, holds: true });
});

test("a bar on a value is stretched as far as the machine is slower than that of the bar, at most three times, and never tightened", () => {
  const on = (here: number[], samples: number[]) =>
    absoluteFigure({ ...SUBJECT, bar: 10 }, samples, undefined, { atBar: 4, here });
  expect(Figure.parse(on([8], [20]))).toMatchObject({ bar: 10, slowness: 2, holds: true });
  expect(on([8], [20.1]).holds).toBe(false);
  expect(on([1], [9])).toMatchObject({ slowness: 1, holds: true });
  expect(on([1], [11]).holds).toBe(false);
  // A yardstick of one bad moment makes no bar that always holds.
  expect(on([40], [30])).toMatchObject({ slowness: 3, holds: true });
  expect(on([40], [30.1]).holds).toBe(false);
});

test("a name nobody knows gets the list, nothing on stdout, and exit code 2", async () => {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`, "no-such-bench"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await child.exited).toBe(2);
  expect(await new Response(child.stdout).text()).toBe("");
  expect(await new Response(child.stderr).text()).toContain("main-job");
});
