import { expect, test } from "bun:test";
import { edgeSpeed } from "./edge-scroll.ts";

test("scrolls towards the edge that something is held at, faster the nearer, and not between", () => {
  const speeds = [0, 28, 56, 180, 304, 332, 360].map((at) => edgeSpeed(at, 360));
  expect(speeds.map((speed) => speed + 0)).toEqual([-900, -450, 0, 0, 0, 450, 900]);
});

test("is no faster beyond an edge than at it", () => {
  expect([edgeSpeed(-400, 360), edgeSpeed(4_000, 360)]).toEqual([-900, 900]);
});
