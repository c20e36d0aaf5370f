import { type Call, type Command, EXIT, usageError, WORKSPACE_OPTION } from "../command.ts";
import { list, text } from "../fields.ts";
import { idOf, isItemKey, itemKeyOf, textOf, workspaceOf } from "../item-key.ts";
import { WISHES } from "./item.ts";
import { printLogs, watchRun } from "./run-stream.ts";
import { runText } from "./run-text.ts";

export const runCommands: readonly Command[] = [
  {
    words: ["run", "list"],
    operands: "[KEY]",
    doc: "list runs: of a work item, or of a workspace",
    options: [WORKSPACE_OPTION, { name: "status", short: "s", value: "STATUS", doc: "status", many: true }],
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
  const query = new URLSearchParams();
  for (const status of call.options("status")) query.append("status", status);
  const at = key === undefined ? `/workspaces/${workspaceOf(call)}` : `/items/${key}`;
  const answer = await call.api.get(`${at}/agent-runs?${query}`);
  if (call.out.json) await call.out.data(answer);
  else
    await call.out.table(
      list(answer, "runs"),
      [
        { title: "RUN", text: (run) => text(run, "id") },
        { title: "ITEM", text: (run) => text(run, "item_key") },
        { title: "STATUS", text: (run) => text(run, "status") },
        { title: "WHY", text: (run) => text(run, "reason") || text(run, "phase") },
        { title: "AGENT", text: (run) => text(run, "agent", "name"), shrinks: true },
        { title: "STARTED", text: (run) => text(run, "created_at") },
        { title: "PULL REQUEST", text: (run) => text(run, "pull_request", "state") },
      ],
      "no runs",
    );
  return EXIT.ok;
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
