import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../json.ts";
import { defineTool, parseArgs, type ToolContext } from "./tool.ts";
import { checkedArgs, type ParameterTable, schemaOf } from "./tool-parameters.ts";

const TABLE = {
  path: { type: "string", aliases: ["file_path"] },
  count: { type: "integer", minimum: 1, maximum: 9, description: "how many", optional: true },
  deep: { type: "boolean", optional: true },
  outcome: { type: "string", enum: ["completed", "needs_info"], optional: true },
  names: { type: "array", items: { type: "string" }, optional: true },
  edits: {
    type: "array",
    items: {
      type: "object",
      properties: { old: { type: "string" }, all: { type: "boolean", optional: true } },
    },
    optional: true,
  },
} as const satisfies ParameterTable;

test("one table is the schema the model gets, without what is ours alone", () => {
  expect(schemaOf(TABLE)).toEqual({
    type: "object",
    properties: {
      path: { type: "string" },
      count: { type: "integer", minimum: 1, maximum: 9, description: "how many" },
      deep: { type: "boolean" },
      outcome: { type: "string", enum: ["completed", "needs_info"] },
      names: { type: "array", items: { type: "string" } },
      edits: {
        type: "array",
        items: {
          type: "object",
          properties: { old: { type: "string" }, all: { type: "boolean" } },
          required: ["old"],
        },
      },
    },
    required: ["path"],
  });
});

describe("slips that leave no doubt are put right:", () => {
  test.each<[string, JsonObject, JsonObject]>([
    ["a number sent as text", { count: " 5 " }, { count: 5 }],
    ["a switch sent as text", { deep: "True" }, { deep: true }],
    ["a switch that is off sent as text", { deep: "false" }, { deep: false }],
    ["null for nothing", { count: null, edits: null }, {}],
    ["an enum in other letters", { outcome: "Needs-Info" }, { outcome: "needs_info" }],
    ["a list sent as its JSON text", { edits: '[{"old":"a"}]' }, { edits: [{ old: "a" }] }],
    ["a list sent as its only item", { edits: { old: "a" } }, { edits: [{ old: "a" }] }],
    [
      "items sent as JSON text",
      { edits: ['{"old":"a","all":"true"}'] },
      { edits: [{ old: "a", all: true }] },
    ],
    ["one name in place of a list", { names: "a" }, { names: ["a"] }],
    ["names as JSON text", { names: '["a","b"]' }, { names: ["a", "b"] }],
    ["fields nobody knows", { explanation: "why" }, {}],
  ])("%s", (_, given, taken) => {
    expect(checkedArgs(TABLE, { path: "p", ...given })).toEqual({ path: "p", ...taken });
  });

  test("a name of another harness", () => {
    expect(checkedArgs(TABLE, { file_path: "a" })).toEqual({ path: "a" });
  });

  test("a text stays the text it is, also when it looks like JSON", () => {
    expect(checkedArgs(TABLE, { path: '["a"]' })).toEqual({ path: '["a"]' });
  });
});

describe("what is wrong is named by its path:", () => {
  test.each<[JsonObject, string]>([
    [{}, "`path` (string) is missing"],
    [{ filename: "a" }, "`path` (string) is missing; `filename` is unknown"],
    [{ path: null }, "`path` must be of type string, not null"],
    [{ path: 5 }, "`path` must be of type string, not 5"],
    [{ path: "p", count: "many" }, '`count` must be of type integer from 1 up to 9, not "many"'],
    [{ path: "p", count: 10 }, "`count` must be of type integer from 1 up to 9, not 10"],
    [{ path: "p", count: 1.5 }, "`count` must be of type integer from 1 up to 9, not 1.5"],
    [{ path: "p", deep: 1 }, "`deep` must be of type boolean, not 1"],
    [{ path: "p", outcome: "perfect" }, '`outcome` must be one of completed, needs_info, not "perfect"'],
    [{ path: "p", edits: "all" }, '`edits` must be of type array of objects, not "all"'],
    [{ path: "p", edits: [null] }, "`edits[0]` must be of type object, not null"],
    [
      { path: "p", edits: [{ old: "a" }, { old: {} }] },
      "`edits[1].old` must be of type string, not an object",
    ],
    [
      { path: "p", edits: [{ older: "a" }] },
      "`edits[0].old` (string) is missing; `edits[0].older` is unknown",
    ],
    [{ path: "p", names: [["a"]] }, "`names[0]` must be of type string, not an array"],
    [
      { path: "p", count: "x".repeat(99) },
      `\`count\` must be of type integer from 1 up to 9, not "${"x".repeat(60)}"…`,
    ],
  ])("%j", (given, problem) => {
    expect(checkedArgs(TABLE, given)).toBe(problem);
  });

  test("of a thousand bad values five, and the number of the others", () => {
    const problem = checkedArgs(TABLE, { path: "p", edits: Array(1_000).fill(1) });
    expect(problem).toEndWith("`edits[4]` must be of type object, not 1; and 995 more");
  });
});

test("the names every object inherits are not arguments", () => {
  const table: ParameterTable = Object.fromEntries([["constructor", { type: "string" } as const]]);
  expect(checkedArgs(table, {})).toBe("`constructor` (string) is missing");
  expect(checkedArgs(TABLE, JSON.parse('{"path":"p","__proto__":{"count":"x"}}'))).toEqual({ path: "p" });
});

test("a call that fails the check does not run, and its arguments stay as they were", async () => {
  let runs = 0;
  const tool = defineTool({
    name: "probe",
    description: "",
    parameters: TABLE,
    run({ count = 0 }) {
      runs += count;
      return { output: "ran" };
    },
  });
  const args = { path: "p", count: "7", deep: null };
  const context = {} as ToolContext; // the tool under test uses none of it
  expect(await tool.call(args, context)).toEqual({ output: "ran" });
  expect(await tool.call({ path: 1 }, context)).toEqual({
    output: "error: probe: `path` must be of type string, not 1",
  });
  expect(runs).toBe(7);
  expect(args).toEqual({ path: "p", count: "7", deep: null });
});

test.each([
  ['{"a":1}', { a: 1 }],
  ['"{\\"a\\":1}"', { a: 1 }],
  ["", {}],
  ["null", {}],
  ["{", "the arguments are not valid JSON"],
  ['"{"', "the arguments are not valid JSON"],
  ["[1]", "the arguments must be one JSON object"],
])("the text %s of a call's arguments is understood", (text, args) => {
  expect(parseArgs(text)).toEqual(args);
});
