import { describe, expect, test } from "bun:test";
import { PreparedStatements } from "./prepared-statements.ts";

describe("statements that are planned once", () => {
  test("have the same name from the second time on", () => {
    const statements = new PreparedStatements();
    expect(statements.nameOf("select 1")).toBeUndefined();
    const name = statements.nameOf("select 1");
    expect(name).toMatch(/^windshift_[0-9a-f]{32}$/);
    expect(statements.nameOf("select 1")).toBe(name as string);
  });

  test("are none that read whatever columns there are: a migration may add one", () => {
    const statements = new PreparedStatements();
    for (const text of [
      "select * from runs",
      'select "runs".* from runs',
      "select runs.*, 1 as now_ms from runs",
      "select id, runs.* from runs",
      "update runs set phase = $1 returning *",
    ])
      expect([1, 2, 3].map(() => statements.nameOf(text))).toEqual(Array(3).fill(undefined));
    for (const text of [
      "select count(*) as held from runs",
      "select (extract(epoch from clock_timestamp()) * 1000)::bigint",
    ]) {
      statements.nameOf(text);
      expect(statements.nameOf(text)).toBeString();
    }
  });

  test("are at most a hundred", () => {
    const statements = new PreparedStatements();
    const named = Array.from({ length: 200 }, (_, at) => {
      statements.nameOf(`select ${at}`);
      return statements.nameOf(`select ${at}`);
    });
    expect(named.filter((name) => name !== undefined)).toHaveLength(100);
    expect(new Set(named.slice(0, 100)).size).toBe(100);
  });
});
