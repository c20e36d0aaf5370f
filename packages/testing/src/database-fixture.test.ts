import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { casesForEngine, createDatabase } from "./database-fixture.ts";

describe("the database of a test file", () => {
  test("is a file path in a folder of its own that goes away, for SQLite", async () => {
    const database = await createDatabase({});
    expect(database).toMatchObject({ engine: "sqlite", url: undefined });
    expect(existsSync(database.dataDir)).toBe(true);
    await database.drop();
    expect(existsSync(database.dataDir)).toBe(false);
  });

  test("is refused when the choice is no engine we have, or its address is missing", async () => {
    await expect(createDatabase({ WINDSHIFT_TEST_DATABASE: "mysql" })).rejects.toThrow(/"mysql"/);
    await expect(createDatabase({ WINDSHIFT_TEST_DATABASE: "postgres" })).rejects.toThrow(
      /WINDSHIFT_TEST_DATABASE_URL is not set/,
    );
  });
});

test("cases that differ elsewhere run on PostgreSQL where they are named", () => {
  const onPostgres = (one: string) => one === "b";
  expect(casesForEngine({}, ["a", "b"], onPostgres)).toEqual(["a", "b"]);
  expect(casesForEngine({ WINDSHIFT_TEST_DATABASE: "sqlite" }, ["a", "b"], onPostgres)).toEqual(["a", "b"]);
  expect(casesForEngine({ WINDSHIFT_TEST_DATABASE: "postgres" }, ["a", "b"], onPostgres)).toEqual(["b"]);
});
