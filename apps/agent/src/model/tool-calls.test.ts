import { expect, test } from "bun:test";
import type { JsonObject } from "../json.ts";
import { CALLS_MAX, ToolCalls } from "./tool-calls.ts";

function fromPieces(...pieces: JsonObject[]) {
  const calls = new ToolCalls();
  for (const piece of pieces) calls.add(piece);
  return calls.list();
}
const piece = (where: JsonObject, name?: string, args?: string): JsonObject => ({
  ...where,
  function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
});
const named = (calls: ReturnType<typeof fromPieces>) => calls.map((call) => [call.name, call.argsText]);
const TWO = [
  ["bash", '{"a":1}'],
  ["grep", '{"b":2}'],
];

test("two calls come apart however the server marks their pieces", () => {
  const id = (n: number) => ({ index: 0, id: `call_${n}` });
  const ways: Record<string, JsonObject[]> = {
    "index as text": [
      piece({ index: "0", id: "a" }, "bash", '{"a"'),
      piece({ index: "1", id: "b" }, "grep", '{"b"'),
      piece({ index: "0" }, undefined, ":1}"),
      piece({ index: "1" }, undefined, ":2}"),
    ],
    "index 0 for every call": [piece(id(1), "bash", '{"a":1}'), piece(id(2), "grep", '{"b":2}')],
    "index 0 for every call, in pieces": [
      piece(id(1), "bash", '{"a"'),
      piece({ index: 0 }, undefined, ":1}"),
      piece(id(2), "grep", '{"b"'),
      piece({ index: 0 }, undefined, ":2}"),
    ],
    "id and name with every piece": [
      piece({ index: 0, id: "a" }, "bash", '{"a"'),
      piece({ index: 0, id: "a" }, "bash", ":1}"),
      piece({ index: 1, id: "b" }, "grep", '{"b"'),
      piece({ index: 1, id: "b" }, "grep", ":2}"),
    ],
    "a new id with every piece": [
      piece({ index: 0, id: "r1" }, "bash", '{"a"'),
      piece({ index: 0, id: "r2" }, undefined, ":1}"),
      piece({ index: 1, id: "r3" }, "grep", '{"b"'),
      piece({ index: 1, id: "r4" }, "", ":2}"),
    ],
    "ids alone": [
      piece({ id: "a" }, "bash", '{"a"'),
      piece({ id: "a" }, undefined, ":1}"),
      piece({ id: "b" }, "grep", '{"b"'),
      piece({ id: "b" }, undefined, ":2}"),
    ],
    "ids alone, mixed": [
      piece({ id: "a" }, "bash", '{"a"'),
      piece({ id: "b" }, "grep", '{"b"'),
      piece({ id: "a" }, undefined, ":1}"),
      piece({ id: "b" }, undefined, ":2}"),
    ],
    "numbers as ids": [piece({ id: 1 }, "bash", '{"a":1}'), piece({ id: 2 }, "grep", '{"b":2}')],
    "neither index nor id": [
      piece({}, "bash", '{"a"'),
      piece({}, undefined, ":1}"),
      piece({}, "grep", '{"b"'),
      piece({}, undefined, ":2}"),
    ],
    "a name in pieces": [
      piece({ index: 0, id: "a" }, "ba", ""),
      piece({ index: 0 }, "sh", '{"a":1}'),
      piece({ index: 1, id: "b" }, "grep", '{"b":2}'),
    ],
    "the id after the name": [
      piece({ index: 0 }, "bash", '{"a"'),
      piece({ index: 0, id: "a" }, undefined, ":1}"),
      piece({ index: 1 }, "grep", '{"b":2}'),
    ],
  };
  for (const [way, pieces] of Object.entries(ways))
    expect({ way, calls: named(fromPieces(...pieces)) }).toEqual({ way, calls: TWO });
});

test("calls of a whole message are never joined, whatever their ids", () => {
  for (const id of [undefined, "", "same"]) {
    const calls = new ToolCalls();
    for (const [name, args] of TWO) calls.addWhole(piece(id === undefined ? {} : { id }, name, args));
    expect(named(calls.list())).toEqual(TWO);
  }
});

test("names that providers refuse are made sendable; those of gpt-oss are understood", () => {
  const nameOf = (name: string) => fromPieces(piece({ index: 0 }, name, "{}"))[0]?.name;
  expect(nameOf("functions.bash")).toBe("bash");
  expect(nameOf("bash<|channel|>json")).toBe("bash");
  expect(nameOf(" bash\n")).toBe("bash");
  expect(nameOf("")).toBe("unknown");
  expect(nameOf("rm -rf /")).toBe("rm_-rf__");
  expect(nameOf("n".repeat(1_000_000))).toHaveLength(64);
});

test("PI-10 of a million calls the first are taken, the rest is counted, and no memory is held for it", () => {
  const calls = new ToolCalls();
  const flood = 1_000_000;
  for (let at = 0; at < flood; at++)
    calls.add(piece({ index: at, id: `c${at}` }, "bash", '{"command":"ls"}'));
  expect(calls.list()).toHaveLength(CALLS_MAX);
  expect(calls.dropped).toBe(flood - CALLS_MAX);
  expect(calls.list().at(-1)).toMatchObject({ id: `c${CALLS_MAX - 1}`, argsText: '{"command":"ls"}' });
});
