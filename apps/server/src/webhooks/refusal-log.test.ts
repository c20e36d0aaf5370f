import { expect, test } from "bun:test";
import { RefusalLog } from "./refusal-log.ts";

test("a flood of refused deliveries is one line a minute for each connection, with how many it was", () => {
  const lines: object[] = [];
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, error: nothing, warn: (fields: object) => lines.push(fields) };
  let nowMs = 1_000_000;
  const refusals = new RefusalLog(log, { nowMs: () => nowMs });
  for (let i = 0; i < 500; i++) refusals.note(7, "wrong signature");
  refusals.note(undefined, "no such connection");
  nowMs += 60_000;
  refusals.note(7, "wrong signature");
  expect(lines).toEqual([
    { connection: 7, why: "wrong signature", not_logged: 0 },
    { connection: undefined, why: "no such connection", not_logged: 0 },
    { connection: 7, why: "wrong signature", not_logged: 499 },
  ]);
});
