import { type Call, usageError } from "./command.ts";
import { WS_SETTINGS } from "./config.ts";

/** `DEMO-12`; the same rule as the contract's WorkItemKey. */
const KEY = /^[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{0,8}$/;
const WORKSPACE = /^[A-Z][A-Z0-9]{1,9}$/;

/** The key that a command names, or the run's own. @throws WsError before any call */
export function itemKeyOf({ operands, env }: Pick<Call, "operands" | "env">, at = 0): string {
  const key = operands[at] ?? env[WS_SETTINGS.itemKey.name];
  if (!key) throw usageError("name a work item, or set WINDSHIFT_ITEM_KEY");
  if (!isItemKey(key)) throw usageError(`${JSON.stringify(key)} is no key such as DEMO-12`);
  return key;
}

/** Whether it looks like KEY-123; whether there is such an item, the server knows. */
export function isItemKey(text: string): boolean {
  return KEY.test(text);
}

/** The workspace that a command names with -w, that of the environment or of the sign-in; undefined when there is none. */
export function findWorkspace(
  { option, env }: Pick<Call, "option" | "env">,
  kept: string | undefined,
): string | undefined {
  const key = option("workspace") ?? env[WS_SETTINGS.workspace.name] ?? kept;
  if (key !== undefined && !WORKSPACE.test(key))
    throw usageError(`${JSON.stringify(key)} is no workspace such as DEMO`);
  return key;
}

/** The key of the workspace a command is about. @throws WsError of usage when none is named */
export function workspaceOf(call: Call): string {
  const key = findWorkspace(call, call.workspace);
  if (key === undefined) throw usageError("name a workspace with -w, or set WS_WORKSPACE_KEY");
  return key;
}

/** A number that stands where an id is wanted. */
export function idOf(call: Pick<Call, "operands">, what: string, at = 0): number {
  const word = call.operands[at] ?? "";
  if (!/^[1-9]\d{0,9}$/.test(word))
    throw usageError(word === "" ? `name ${what}` : `${JSON.stringify(word)} is no number of ${what}`);
  return Number(word);
}

/** Text given with an option, or with `-` or nothing as option from stdin. */
export async function textOf(call: Pick<Call, "option" | "operands">, name: string): Promise<string> {
  const given = call.option(name);
  return (given === undefined || given === "-" ? await readStdin("the text") : given).trim();
}

/** All of stdin. Who sits at a terminal is told what is waited for. @param what such as `the text` */
export async function readStdin(what: string): Promise<string> {
  if (process.stdin.isTTY)
    process.stderr.write(`ws: type ${what}; Ctrl and D at the start of a line ends it\n`);
  return await Bun.stdin.text();
}
