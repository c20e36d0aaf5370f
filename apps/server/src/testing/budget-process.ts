import { BudgetHolds } from "../budgets/budget-holds.ts";
import { type Database, openDatabase } from "../db/database.ts";
import { openSqlite } from "../db/sqlite.ts";

/**
 * A server process, as far as budgets are concerned: `budget-process.ts URL|- SQLITE_FILE RUNS CALLS NEED USED [stuck]`. Reserves
 * CALLS times NEED tokens at once, in turn for the RUNS (ids with commas), and settles each with USED, or with nothing
 * when that is `never`, so that a test can kill it in between. Prints the replies as one line of JSON, and stays until stdin ends.
 * `stuck`: the disk never says that anything is on it, and has not been asked for long, however slow the machine is.
 */
const [url, sqliteFile = "", runs = "", calls = "", need = "", used = "", disk] = process.argv.slice(2);
const database =
  disk === "stuck"
    ? await openStuck(sqliteFile)
    : await openDatabase({ url: url === "-" ? undefined : url, sqliteFile });
const holds = new BudgetHolds(database, { error: (fields) => process.stderr.write(`${fields}\n`) });
const ids = runs.split(",").map(Number);
const ended = new AbortController().signal;

const replies = await Promise.all(
  Array.from({ length: Number(calls) }, async (_, n) => {
    const runId = ids[n % ids.length] as number;
    const asked = { tokens: Number(need), cost: 0 };
    const reply = await holds.reserve({ runId, attempt: 1, need: asked, priced: true, ended });
    if (reply.kind !== "granted" || used === "never") return reply.kind;
    holds.record({
      run_id: runId,
      attempt: 1,
      model: "scripted",
      input_tokens: Number(used),
      output_tokens: 0,
      status: 200,
      duration_ms: 1,
      created_at_ms: Date.now(),
    });
    reply.settle({ tokens: Number(used), cost: 0 });
    return reply.kind;
  }),
);
if (used !== "never") await holds.flush();
process.stdout.write(`${JSON.stringify(replies)}\n`);
for await (const _ of Bun.stdin.stream());
await holds.close();
await database.close();

async function openStuck(file: string): Promise<Database> {
  const real = await openSqlite(file, () => new Promise(() => {}));
  return {
    ...real,
    followedTransaction: async (work) => {
      const { result, disk } = await real.followedTransaction(work);
      return { result, disk: disk && { ...disk, lagMs: () => 0 } };
    },
  };
}
