import { expect, test } from "bun:test";
import { endServer } from "./server-end.ts";

/** What ends, in the order in which it does; some of it never. */
async function ended(hanging: readonly string[]) {
  const seen: string[] = [];
  const warnings: string[] = [];
  const end = (name: string) => (): Promise<void> => {
    seen.push(name);
    return hanging.includes(name) ? new Promise(() => {}) : Promise.resolve();
  };
  const stopping = Promise.withResolvers<void>();
  const stopLoops = () => {
    seen.push("loops");
    if (!hanging.includes("loops")) stopping.resolve();
  };
  await endServer(
    {
      runner: { stop: end("runner") },
      loops: [stopping.promise],
      stopLoops,
      listener: { stop: end("listener") },
      holds: { close: end("holds") },
      traces: { close: end("traces") },
      database: { close: end("database") },
      lock: { release: () => void seen.push("lock") },
      log: { warn: (_, message) => void warnings.push(message) },
    },
    50,
  );
  return { seen, warnings };
}

const ORDER = ["runner", "loops", "listener", "holds", "traces", "database", "lock"];

test("a server ends its runs first and its database last", async () => {
  expect(await ended([])).toEqual({ seen: ORDER, warnings: [] });
});

test("a server is not held up by a loop and a database that do not end, and says so", async () => {
  const { seen, warnings } = await ended(["loops", "database"]);
  expect(seen).toEqual(ORDER);
  expect(warnings).toEqual([
    expect.stringContaining("work in the background"),
    expect.stringContaining("connections to the database"),
  ]);
});
