import { afterEach, beforeEach, expect, test } from "bun:test";
import { createRunFixture, type RunFixture } from "../testing/run-fixture.ts";
import { startBudgetRun, usageRow } from "./budget.fixture.ts";
import { insertUsage } from "./usage-rows.ts";

let fixture: RunFixture;
beforeEach(async () => {
  fixture = await createRunFixture();
});
afterEach(() => fixture.close());

test("writes many rows with each field as it is, what is not known as null, and what is not said as its default", async () => {
  const run = await startBudgetRun(fixture, {});
  const { engine, kysely } = fixture.database;
  const whole = {
    run_id: run.id,
    attempt: 2,
    connection_id: null,
    model: `it's "a model"\n\\ of ünï 🦊`,
    input_tokens: 3,
    cached_input_tokens: 2,
    output_tokens: 1,
    cost_micros: 9_007_199_254_740_991,
    estimated: 1,
    status: 499,
    duration_ms: 12,
    created_at_ms: 1_770_000_000_000,
  };
  const unknown = { ...whole, input_tokens: null, output_tokens: null, cost_micros: null };
  await insertUsage(engine, kysely, [whole, unknown, usageRow(run.id, 7)]);
  const rows = await kysely.selectFrom("run_usage").selectAll().orderBy("id").execute();
  const fields = rows.map(({ id: _, ...row }) => row);
  expect(fields.slice(0, 2)).toEqual([whole, unknown]);
  const least = { estimated: 0, cost_micros: null, cached_input_tokens: null, connection_id: null };
  expect(fields[2]).toMatchObject({ ...least, input_tokens: 7, output_tokens: 0, status: 200 });
});

test("writes nothing of rows of which one cannot be written, and nothing for none", async () => {
  const run = await startBudgetRun(fixture, {});
  const { engine, kysely } = fixture.database;
  const rows = [usageRow(run.id, 7), usageRow(999_999, 7)];
  const write = fixture.database.transaction((tx) => insertUsage(engine, tx, rows));
  await expect(write).rejects.toThrow();
  await insertUsage(engine, kysely, []);
  expect(await kysely.selectFrom("run_usage").selectAll().execute()).toEqual([]);
});

test("writes any number of rows, each once and in their order", async () => {
  const run = await startBudgetRun(fixture, {});
  const { engine, kysely } = fixture.database;
  const rows = Array.from({ length: 64 + 16 + 3 * 4 + 3 }, (_, at) => usageRow(run.id, at + 1));
  await insertUsage(engine, kysely, rows);
  const written = await kysely.selectFrom("run_usage").select("input_tokens").orderBy("id").execute();
  expect(written.map((row) => row.input_tokens)).toEqual(rows.map((_, at) => at + 1));
});
