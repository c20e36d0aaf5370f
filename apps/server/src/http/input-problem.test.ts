import { expect, test } from "bun:test";
import { z } from "zod";
import { inputProblem } from "./input-problem.ts";

const said = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map((issue) => inputProblem(issue)) ?? [];

test("what is wrong with a field is said as people say it", () => {
  const cases: [z.ZodType, unknown, string][] = [
    [z.string().min(10), "short", "at least 10 characters"],
    [z.string().min(1), "", "must not be empty"],
    [z.string().max(1), "ab", "at most 1 character"],
    [z.string().length(3), "ab", "exactly 3 characters"],
    [z.int().min(1), 0, "at least 1"],
    [z.int().positive(), 0, "more than 0"],
    [z.number().lt(5), 5, "less than 5"],
    [z.array(z.int()).max(2), [1, 2, 3], "at most 2 entries"],
    [z.enum(["todo", "done"]), "open", "must be one of todo, done"],
    [z.literal("git"), "llm", "must be git"],
    [z.int(), 1.5, "must be a whole number"],
    [z.string(), 7, "must be text"],
    [z.strictObject({}), [], "must be an object"],
    [z.boolean(), "yes", "must be true or false"],
    [z.string(), undefined, "is missing"],
  ];
  for (const [schema, value, words] of cases) expect(said(schema, value)).toEqual([words]);
});

test("words of a schema's own stay as they are", () => {
  expect(said(z.string().regex(/^a$/, "the letter a"), "b")).toEqual(["the letter a"]);
  expect(said(z.string().max(2, "too long for a key"), "abc")).toEqual(["too long for a key"]);
  expect(said(z.strictObject({}), { odd: 1 })).toEqual(['Unrecognized key: "odd"']);
});
