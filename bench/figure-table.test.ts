import { expect, test } from "bun:test";
import { absoluteFigure, relativeFigure } from "./figure.ts";
import { figureTable } from "./figure-table.ts";

test("a table has each figure with its floor, its bar and whether that holds, in columns", () => {
  const subject = { bench: "queue", unit: "ms" } as const;
  const [head, line, ...rows] = figureTable([
    absoluteFigure({ ...subject, metric: "a claim", bar: 3 }, [2]),
    relativeFigure({ ...subject, metric: "a clone", bar: 1.5 }, [4_000], "git clone", [2_000]),
    absoluteFigure({ ...subject, metric: "a start", bar: null }, [1_234.5678]),
    absoluteFigure({ ...subject, metric: "a call", bar: 3 }, [5], undefined, { atBar: 1, here: [2] }),
  ]);
  expect(head).toMatch(/^benchmark\s+figure\s+value\s+beside\s+value\s+ratio\s+bar$/);
  expect(line).toMatch(/^-+( {2}-*)+$/);
  expect(rows).toHaveLength(4);
  expect(rows[0]).toMatch(/^queue\s+a claim\s+2 ms\s+≤ 3 ms\s+holds$/);
  expect(rows[1]).toMatch(/^queue\s+a clone\s+4,000 ms\s+git clone\s+2,000 ms\s+2×\s+≤ 1\.5×\s+MISSED$/);
  expect(rows[2]).toMatch(/^queue\s+a start\s+1,235 ms$/);
  expect(rows[3]).toMatch(/^queue\s+a call\s+5 ms\s+≤ 3 ms × 2\s+holds$/);
  expect(new Set(rows.map((row) => row.indexOf("a "))).size).toBe(1);
});
