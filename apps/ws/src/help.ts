import { type Command, type Option, OUTPUT_OPTION } from "./command.ts";

/** What `ws help` prints: every command in a line. */
export function helpText(commands: readonly Command[]): string {
  const lines = commands.map((command) => [usageLine(command), command.doc] as const);
  return [
    "ws: work items, runs and skills from the command line",
    "",
    ...aligned(lines),
    "",
    "  ws COMMAND --help tells more; -o json prints JSON.",
    "",
    "KEY is a key such as DEMO-12; inside a run it defaults to the run's own item, and address, workspace and token are pinned.",
    "Settings: WS_API_URL, WS_TOKEN, WS_WORKSPACE_KEY, WINDSHIFT_ITEM_KEY; without them those of `ws login`.",
    "NO_COLOR turns colors off. Exit codes: 0 done, 2 wrong usage, 4 not permitted, 5 not found, 6 conflict, 69 and 75 try again,",
    "70 the server's fault; `run watch`: 20 failed, 21 canceled, 22 waiting; 130 Ctrl and C.",
  ].join("\n");
}

/** What `ws COMMAND --help` prints. */
export function commandHelp(command: Command): string {
  const options = [...(command.options ?? []), OUTPUT_OPTION];
  return [
    `usage: ${usageLine(command)}`,
    "",
    `  ${command.doc}`,
    "",
    ...aligned(options.map((option) => [optionText(option), withChoices(option)] as const)),
  ].join("\n");
}

function usageLine({ words, operands }: Command): string {
  return ["ws", ...words, ...(operands === undefined ? [] : [operands])].join(" ");
}

function optionText({ name, short, value }: Option): string {
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

function withChoices({ doc, choices, many }: Option): string {
  const listed = choices === undefined ? "" : ` (${choices.join(", ")})`;
  return `${doc}${listed}${many ? "; may be repeated" : ""}`;
}

function aligned(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
