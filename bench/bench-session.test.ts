import { expect, test } from "bun:test";
import type { Bench } from "./bench.ts";
import { runBenches } from "./bench-session.ts";
import { absoluteFigure } from "./figure.ts";

const told = (name: string, value: number): Bench => ({
  name,
  about: `tells ${value}`,
  run: async (report) => {
    report.figure(absoluteFigure({ bench: name, metric: "time", unit: "ms", bar: 5 }, [value]));
    report.row(["cost", "10"], [name, `${value} ms`]);
  },
});
const failing: Bench = {
  name: "broken",
  about: "ends early",
  run: () => Promise.reject(new Error("no nginx")),
};
const endless: Bench = { name: "endless", about: "never ends", run: () => new Promise(() => {}) };

async function run(benches: readonly Bench[], benchMsMax?: number) {
  const figures: string[] = [];
  const lines: string[] = [];
  const holds = await runBenches({
    benches,
    sizeMax: Number.POSITIVE_INFINITY,
    figure: (line) => figures.push(line),
    say: (line) => lines.push(line),
    ...(benchMsMax === undefined ? {} : { benchMsMax }),
  });
  return { holds, figures, text: lines.join("\n") };
}

test("all figures are told again as one table, rows of one head as another, and how long each took", async () => {
  const { holds, figures, text } = await run([told("first", 3), told("second", 4)]);
  expect(holds).toBe(true);
  expect(figures.map((line) => JSON.parse(line).value)).toEqual([3, 4]);
  expect(text).toMatch(/benchmark .*\n-.*\nfirst .*3 ms.*\nsecond .*4 ms/);
  expect(text).toContain("| cost | 10 |\n| --- | --- |\n| first | 3 ms |\n| second | 4 ms |\n");
  expect(text).toMatch(/first +0\.0 min\nsecond +0\.0 min\nall +0\.0 min, 2 figures, 0 bars missed$/);
});

test("a benchmark that fails is named, and the others are run and told", async () => {
  const { holds, figures, text } = await run([failing, told("second", 4)]);
  expect(holds).toBe(false);
  expect(figures).toHaveLength(1);
  expect(text).toMatch(/broken +0\.0 min {2}FAILED: Error: no nginx/);
  expect(text).toMatch(/second .*4 ms.*holds/);
});

test("a bar that is missed is counted", async () => {
  const { holds, text } = await run([told("slow", 6)]);
  expect(holds).toBe(false);
  expect(text).toContain("1 figures, 1 bars missed");
});

test("behind one that does not end none is run, and what was found is told", async () => {
  const { holds, figures, text } = await run([told("first", 3), endless, told("third", 4)], 50);
  expect(holds).toBe(false);
  expect(figures).toHaveLength(1);
  expect(text).toMatch(/endless .*FAILED: it did not end within/);
  expect(text).toMatch(/first .*3 ms.*holds/);
});
