import { sql } from "kysely";
import type { Database } from "../db/database.ts";

/** How SQLite finds the rows of the first query that `ask` makes: a line for each table. */
export async function sqlitePlan(
  { kysely, ...rest }: Database,
  ask: (database: Database) => Promise<unknown>,
): Promise<string> {
  const asked: string[] = [];
  const listened = kysely.withPlugin({
    transformQuery: ({ node, queryId }) => {
      asked.push(kysely.getExecutor().compileQuery(node, queryId).sql);
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  await ask({ ...rest, kysely: listened });
  const [query = ""] = asked;
  const plan = sql<{ detail: string }>`explain query plan ${sql.raw(query.replaceAll("?", "1"))}`;
  return (await plan.execute(kysely)).rows.map(({ detail }) => detail).join("\n");
}
