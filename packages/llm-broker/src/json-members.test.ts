import { expect, test } from "bun:test";
import { membersOf } from "./json-members.ts";

const of = (text: string) => {
  const members = membersOf(text, JSON.parse(text));
  return members && [...members];
};

test("gives each member in the words it came in", () => {
  expect(of(`{"a":1,"b":[1,{"c":"x\\",{"}], "d" : {} }`)).toEqual([
    ["a", "1"],
    ["b", `[1,{"c":"x\\",{"}]`],
    ["d", " {} "],
  ]);
  expect(of("{}")).toEqual([]);
  expect(of(`{"\\u0061":"\\\\"}`)).toEqual([["a", `"\\\\"`]]);
  expect(of(`{"__proto__":{"a":[[],[[]],""]}}`)).toEqual([["__proto__", `{"a":[[],[[]],""]}`]]);
});

for (const [where, text] of [
  ["at the top", `{"a":1,"a":1}`],
  ["in an object", `{"a":{"b":1,"b":2}}`],
  ["deep inside", `{"a":[[{"b":[{"c":{},"c":[1,2]}]}]]}`],
  ["written in another way", `{"a":{"b":1,"\\u0062":2}}`],
  ["inside what a second one replaces", `{"a":{"b":[{"c":1,"c":1}],"b":0}}`],
  ["as a prototype", `{"a":{"__proto__":1,"__proto__":2}}`],
] as const)
  test(`gives nothing where a key stands twice ${where}`, () => expect(of(text)).toBeUndefined());

test("gives nothing for a value that has less than the text, whatever is missing", () => {
  const text = `{"a":{"b":1,"c":2},"d":[1,2]}`;
  for (const less of [{ a: { b: 1 }, d: [1, 2] }, { a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1, c: 2 } }])
    expect(membersOf(text, less)).toBeUndefined();
  expect(membersOf(text, JSON.parse(text))).toBeDefined();
});
