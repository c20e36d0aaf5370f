import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z as library } from "zod";
import { lazyMaker } from "./lazy-schema.ts";
import { z } from "./lazy-zod.ts";

const ROOT = join(import.meta.dir, "../../../..");

test("a lazy schema is made when it is asked something, once, and with those it consists of", () => {
  const calls: string[] = [];
  const noted = <S extends object>(name: string, make: () => S) =>
    lazyMaker(() => {
      calls.push(name);
      return make();
    })();
  const word = noted("word", () => library.string());
  const outer = z.object({
    word,
    words: z.array(word).optional(),
    other: noted("other", () => library.int()),
  });
  const part = z.strictObject({ only: outer.shape.word });
  const wide = outer.extend({ more: z.boolean() }).nullable();
  const told = lazyMaker(
    () => {
      calls.push("told");
      return library.enum(["a", "b"]);
    },
    () => ({ options: ["a", "b"] }),
  )();
  expect(told.options).toEqual(["a", "b"]);
  expect(calls).toEqual([]);
  expect(wide.safeParse({ word: "a", words: ["b"], other: 1, more: true }).success).toBe(true);
  expect(wide.safeParse({ word: 1, other: 1, more: true }).success).toBe(false);
  expect(calls.sort()).toEqual(["other", "word"]);
  expect(part.safeParse({ only: "a" }).success).toBe(true);
  expect(part.safeParse({ only: 1 }).success).toBe(false);
});

test("lazy schemas say what those of the library say", () => {
  const schemas = (from: typeof library) => {
    const Id = from.int().positive().brand<"Id">();
    const Status = from.enum(["open", "closed"]);
    const Plain = from.object({ id: Id, status: Status.default("open"), at: from.iso.datetime().nullable() });
    const Choice = from.discriminatedUnion("kind", [
      from.object({ kind: from.literal("one"), one: Plain }),
      from.strictObject({
        kind: from.literal("more"),
        more: from.array(Plain.extend({ note: from.string().max(3) })),
      }),
    ]);
    return {
      Choice,
      Status,
      Parts: from.object({ ...Plain.shape, id: from.string() }),
      Names: from.record(from.string(), from.string().trim().regex(/^a/).optional()),
      Plain,
    };
  };
  const lazy = schemas(z as unknown as typeof library);
  const real = schemas(library);
  const at = "2026-01-02T03:04:05Z";
  const values: unknown[] = [
    { kind: "one", one: { id: 1, at, extra: true } },
    { kind: "one", one: { id: 0, status: "none", at: null } },
    {
      kind: "more",
      more: [
        { id: 2, at: null, note: "abc" },
        { id: 3, at: "never", note: "abcd" },
      ],
    },
    { kind: "more", more: [], extra: 1 },
    { kind: "other" },
    undefined,
  ];
  for (const value of values)
    expect(lazy.Choice.safeParse(value)).toEqual(real.Choice.safeParse(value) as never);
  for (const value of [{ a: " ab ", b: "b" }, { a: "a" }, []])
    expect(lazy.Names.safeParse(value)).toEqual(real.Names.safeParse(value) as never);
  for (const id of ["a", 1])
    expect(lazy.Parts.safeParse({ id, at })).toEqual(real.Parts.safeParse({ id, at }) as never);
  expect(lazy.Status.options).toEqual(real.Status.options);
  expect(Object.keys(lazy.Plain.shape)).toEqual(Object.keys(real.Plain.shape));
});

test("every maker that the contract and the app name is there", async () => {
  const used = new Set<string>();
  for (const pattern of ["packages/contract/src/**/*.ts", "apps/web/src/**/*.{ts,tsx}"])
    for (const path of new Bun.Glob(pattern).scanSync({ cwd: ROOT }))
      for (const [, name] of readFileSync(join(ROOT, path), "utf8").matchAll(
        /\bz\.((?:iso\.|coerce\.)?[a-zA-Z]+)\(/g,
      ))
        if (!path.includes(".test.") && name !== undefined) used.add(name);
  expect(used.size).toBeGreaterThan(10);
  const there = ({ iso, coerce, ...rest }: typeof z) => [
    ...Object.keys(rest),
    ...Object.keys(iso).map((name) => `iso.${name}`),
    ...Object.keys(coerce).map((name) => `coerce.${name}`),
  ];
  expect([...used].filter((name) => !there(z).includes(name))).toEqual([]);
});
