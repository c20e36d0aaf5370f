import { expect, test } from "bun:test";
import { CallIds } from "./call-ids.ts";

const calls = (...ids: string[]) => ids.map((id) => ({ id, name: "bash", argsText: "{}" }));
const idsOf = (owned: { id: string }[]) => owned.map(({ id }) => id);

test("ids that tell the calls apart are kept", () => {
  const ids = new CallIds();
  expect(idsOf(ids.own(calls("call_1", "functions.bash:0")))).toEqual(["call_1", "functions.bash:0"]);
});

test("an id that another call of the run has, is missing or is too long is replaced by one of nine characters", () => {
  const ids = new CallIds();
  const all = [
    ...idsOf(ids.own(calls("call_0", "call_0", "", "x".repeat(257), "c00000004"))),
    ...idsOf(ids.own(calls("call_0", "", "c00000001"))),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(all[0]).toBe("call_0");
  expect(all[4]).toBe("c00000004");
  for (const id of all.slice(1)) expect(id).toMatch(/^[a-z0-9]{9}$/);
});
