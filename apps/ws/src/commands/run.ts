import { type Call, type Command, EXIT, usageError, WORKSPACE_OPTION } from "../command.ts";
import { field, list, text } from "../fields.ts";
import { idOf, isItemKey, itemKeyOf, textOf, workspaceOf } from "../item-key.ts";
import { WISHES } from "./item.ts";
import { printLogs, watchRun } from "./run-stream.ts";
import { runText } from "./run-text.ts";

/** Runs that one call lists unless it is told otherwise, and at most; the server gives a part of them at a time. */
const RUNS = 50;
const RUNS_MAX = 1_000;
const RUNS_PAGE = 200;

export const runCommands: readonly Command[] = [
  {
    words: ["run", "list"],
    operands: "[KEY]",
    doc: "list runs: of a work item, or of a workspace",
    options: [
      WORKSPACE_OPTION,
      { name: "status", short: "s", value: "STATUS", doc: "status", many: true },
      { name: "limit", short: "n", value: "N", doc: `how many, ${RUNS} by default` },
      { name: "before", value: "RUN", doc: "only runs older than this one" },
    ],
    run: listRuns,
  },
  {
    words: ["run", "show"],
    operands: "RUN",
    doc: "print a run: state, attempts, what it cost, what came of it",
    run: async (call) => {
      const id = idOf(call, "a run");
      const run = await call.api.get(`/agent-runs/${id}`);
      const usage = await call.api.get(`/agent-runs/${id}/usage`);
      const all = typeof run === "object" && run !== null ? { ...run, usage } : { usage };
      await call.out.answer(all, () => runText(run, usage));
      return EXIT.ok;
    },
  },
  {
    words: ["run", "watch"],
    operands: "RUN",
    doc: "follow a run to its end; the exit code says how it went",
    run: (call) => watchRun(call, idOf(call, "a run")),
  },
  {
    words: ["run", "logs"],
    operands: "RUN",
    doc: "print the transcript so far; -o json prints one event a line",
    run: (call) => printLogs(call, idOf(call, "a run")),
  },
  {
    words: ["run", "cancel"],
    operands: "RUN",
    doc: "end a run; its commits so far stay on its branch",
    options: [{ name: "force", short: "f", doc: "do not wait for the agent: kill it" }],
    run: async (call) => {
      const id = idOf(call, "a run");
      const run = await call.api.send("POST", `/agent-runs/${id}/cancel`, { force: call.has("force") });
      await call.out.answer(run, () => `run ${id} is being canceled`);
      return EXIT.ok;
    },
  },
  {
    words: ["run", "rerun"],
    operands: "[KEY]",
    doc: "start a run on a work item again, with the same agent",
    options: WISHES,
    run: async (call) => {
      const key = itemKeyOf(call);
      const run = await call.api.send("POST", `/items/${key}/agent-runs`, choicesOf(call));
      await call.out.answer(run, () => `run ${text(run, "id")} of ${key} is ${text(run, "status")}`);
      return EXIT.ok;
    },
  },
  {
    words: ["run", "say"],
    operands: "RUN",
    doc: "tell a running agent something; it reads it at its next turn",
    options: [{ name: "message", short: "m", value: "TEXT", doc: "the message; without it stdin is read" }],
    run: async (call) => {
      const id = idOf(call, "a run");
      const said = await textOf(call, "message");
      if (said === "") throw usageError("the message is empty");
      const message = await call.api.send("POST", `/agent-runs/${id}/messages`, { text: said });
      await call.out.answer(message, () => `told run ${id}`);
      return EXIT.ok;
    },
  },
];

async function listRuns(call: Call): Promise<number> {
  const key = call.operands[0];
  if (key !== undefined && !isItemKey(key))
    throw usageError(`${JSON.stringify(key)} is no key such as DEMO-12`);
  const statuses = call.options("status");
  if (key !== undefined && statuses.length > 0)
    throw usageError("-s narrows the runs of a workspace; those of a work item are listed all");
  const at = key === undefined ? `/workspaces/${workspaceOf(call)}` : `/items/${key}`;
  const answer = await fetchRuns(call, `${at}/agent-runs`, statuses);
  if (call.out.json) await call.out.data(answer);
  else {
    await call.out.table(
      answer.runs,
      [
        { title: "RUN", text: (run) => text(run, "id") },
        { title: "ITEM", text: (run) => text(run, "item_key") },
        { title: "STATUS", text: (run) => text(run, "status") },
        { title: "WHY", text: (run) => text(run, "reason") || text(run, "phase"), shrinks: true },
        { title: "AGENT", text: (run) => text(run, "agent", "name"), shrinks: true },
        { title: "STARTED", text: (run) => text(run, "created_at"), shrinks: true },
        { title: "PULL REQUEST", text: (run) => text(run, "pull_request", "state") },
      ],
      "no runs",
    );
    const last = text(answer.runs.at(-1), "id");
    // Beside the table and not in it: what reads the table by lines gets runs alone.
    if (answer.next_before !== null)
      process.stderr.write(`ws: there are older runs: add --before ${last}, or ask for more with -n\n`);
  }
  return EXIT.ok;
}

/** Page after page, the newest first, until there are as many as were asked for. */
async function fetchRuns(call: Call, path: string, statuses: readonly string[]) {
  const wanted = countOf(call, "limit", "-n", RUNS_MAX) ?? RUNS;
  const runs: unknown[] = [];
  let before: unknown = countOf(call, "before", "--before", Number.MAX_SAFE_INTEGER);
  do {
    const query = new URLSearchParams({ limit: String(Math.min(wanted - runs.length, RUNS_PAGE)) });
    for (const status of statuses) query.append("status", status);
    if (typeof before === "number") query.set("before", String(before));
    const page = await call.api.get(`${path}?${query}`);
    runs.push(...list(page, "runs"));
    before = field(page, "next_before") ?? null;
  } while (typeof before === "number" && runs.length < wanted);
  return { runs, next_before: before };
}

function countOf(call: Call, name: string, shown: string, max: number): number | undefined {
  const given = call.option(name);
  if (given === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(given) || Number(given) > max) throw usageError(`${shown} takes 1 to ${max}`);
  return Number(given);
}

function choicesOf(call: Call): Record<string, string> {
  const given = [
    ["instruction", "message"],
    ["model", "model"],
    ["base_branch", "base-branch"],
  ] as const;
  return Object.fromEntries(
    given.flatMap(([name, option]) => (call.has(option) ? [[name, call.option(option) ?? ""]] : [])),
  );
}
