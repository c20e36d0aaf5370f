import { expect, setDefaultTimeout, test } from "bun:test";
import type { KyselyPlugin } from "kysely";
import { createRunFixture } from "../testing/run-fixture.ts";
import { listRunModels, readRunModels } from "./run-models.ts";

/** Makes a database of its own; a loaded machine takes seconds for that alone. */
setDefaultTimeout(60_000);

test("the models of many bindings take as many statements as those of one, and are the same", async () => {
  const fix = await createRunFixture();
  try {
    const { kysely } = fix.database;
    const binding = await kysely.selectFrom("bindings").selectAll().executeTakeFirstOrThrow();
    const { id } = await kysely
      .selectFrom("connections")
      .select("id")
      .where("kind", "=", "llm")
      .executeTakeFirstOrThrow();
    const row = { connection_id: id, images: 0, updated_by: fix.person, updated_at_ms: 0 };
    await kysely
      .insertInto("models")
      .values(["b", "a", "scripted"].map((model) => ({ ...row, model })))
      .execute();
    const fallbacks = JSON.stringify([{ llm_connection_id: id, model: "b" }]);
    const bindings = [
      binding,
      { ...binding, model: null, fallbacks },
      { ...binding, llm_connection_id: null, fallbacks },
      { ...binding, llm_connection_id: id + 1_000 },
    ];
    let statements = 0;
    const counted: KyselyPlugin = {
      transformQuery: ({ node }) => {
        statements++;
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    const modelsOf = await readRunModels(kysely.withPlugin(counted), bindings, { llmModel: undefined });
    expect(statements).toBe(2);
    const names = bindings.map((one) => modelsOf(one).map(({ model }) => model));
    expect(names).toEqual([["scripted", "a", "b"], ["b", "a", "scripted"], ["scripted", "b", "a"], []]);
    for (const one of bindings)
      expect(await listRunModels(kysely, one, { llmModel: undefined })).toEqual(modelsOf(one));
  } finally {
    await fix.close();
  }
});
