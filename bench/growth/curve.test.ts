import { expect, test } from "bun:test";
import { type Curve, curveLines, curveRow, exponent, growthFigure, type Point } from "./curve.ts";

const CURVE: Curve = {
  bench: "growth",
  metric: "work",
  unit: "ms",
  of: "things",
  costOf: "all",
  resolution: 0,
};
const SIZES = [10, 100, 1_000, 10_000];
const grown = (cost: (size: number) => number): Point[] =>
  SIZES.map((size) => ({ size, samples: [cost(size)] }));

test("a cost that grows with the size or with n log n holds, one that grows faster does not", () => {
  expect(
    growthFigure(
      CURVE,
      grown((n) => 3 * n),
    ).holds,
  ).toBe(true);
  expect(
    growthFigure(
      CURVE,
      grown((n) => n * Math.log2(1 + n)),
    ).holds,
  ).toBe(true);
  expect(
    growthFigure(
      CURVE,
      grown((n) => n * Math.sqrt(n)),
    ).holds,
  ).toBe(false);
  expect(
    growthFigure(
      CURVE,
      grown((n) => n * n),
    ).holds,
  ).toBe(false);
});

test("the cost of one more may grow with the logarithm, and no faster", () => {
  const one = { ...CURVE, costOf: "one" } as const;
  expect(
    growthFigure(
      one,
      grown(() => 5),
    ).holds,
  ).toBe(true);
  expect(
    growthFigure(
      one,
      grown((n) => Math.log2(1 + n)),
    ).holds,
  ).toBe(true);
  expect(
    growthFigure(
      one,
      grown((n) => n ** 0.5),
    ).holds,
  ).toBe(false);
});

test("a figure names both ends and gives the cost of one at each", () => {
  const figure = growthFigure(
    CURVE,
    grown((n) => 2 * n),
  );
  expect(figure).toMatchObject({
    metric: "work, at 10,000 things",
    reference: "at 100 things",
    value: 2,
    referenceValue: 2,
    ratio: 1,
  });
});

test("a fixed cost at the small end does not hide how the rest grows", () => {
  expect(
    growthFigure(
      CURVE,
      grown((n) => 1_000 + n * n),
    ).holds,
  ).toBe(false);
  expect(
    growthFigure(
      CURVE,
      grown((n) => 1_000 + n),
    ).holds,
  ).toBe(true);
  expect(
    growthFigure(
      CURVE,
      grown(() => 7),
    ).holds,
  ).toBe(true);
});

test("a curve is judged from the first size on whose cost is more than noise", () => {
  const points = grown((n) => (n < 1_000 ? 0 : n));
  const noisy = { ...CURVE, resolution: 1 };
  const figure = growthFigure(noisy, points);
  expect(curveLines(noisy, points)[0]).toBe("work: grows as n^1.00");
  expect(curveLines(noisy, points.slice(0, 3))[0]).toBe("work: too little to tell");
  expect([figure.reference, figure.holds]).toEqual(["at 1,000 things", true]);
});

test("the power a cost grows with is found from all its points", () => {
  expect(exponent(grown((n) => 7 * n))).toBeCloseTo(1);
  expect(exponent(grown((n) => n * n))).toBeCloseTo(2);
  expect(exponent(grown(() => 4))).toBeCloseTo(0);
  expect(
    curveLines(
      CURVE,
      grown((n) => 2 * n),
    )[0],
  ).toBe("work: grows as n^1.00");
});

test("a curve is a row of a table: its cost at each size, how it grows, and whether the bar holds", () => {
  const { head, row } = curveRow(
    CURVE,
    grown((n) => n / 8),
    "holds",
  );
  expect(head).toEqual([
    "things: what costs",
    "10",
    "100",
    "1,000",
    "10,000",
    "all of it",
    "no worse than n log n",
  ]);
  expect(row).toEqual(["work", "1.25 ms", "12.5 ms", "125 ms", "1,250 ms", "grows as n^1.00", "holds"]);
});
