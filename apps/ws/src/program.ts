import { buildVersion } from "@windshift/base/build-version.ts";
import { COMMENT_BYTES_MAX } from "@windshift/contract/limits.ts";
import { callApi } from "./api.ts";
import { type Command, HELP, parseCommandLine } from "./command-line.ts";
import { readConfig, type WsConfig } from "./config.ts";
import { fetchItem, itemText } from "./item-show.ts";
import { printable, printableJson } from "./terminal.ts";

const EXIT_OK = 0;
/** Wrong usage or settings; the same as `invalid_input`. */
const EXIT_USAGE = 2;

/** The whole program. Ends the process. */
export async function runWs(argv: readonly string[]): Promise<void> {
  process.exit(await exitCodeOf(parseCommandLine(argv, process.env)));
}

async function exitCodeOf(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      return print(HELP.trimEnd());
    case "version":
      return print(`ws ${buildVersion}`);
    case "usage":
      return complain(`${command.problem}; see ws help`, EXIT_USAGE);
    case "item_show":
    case "comment_add": {
      const reading = readConfig(process.env);
      if (reading.kind === "problems") return complain(reading.problems.join("; "), EXIT_USAGE);
      return command.kind === "item_show"
        ? showItem(reading.config, command)
        : addComment(reading.config, command);
    }
  }
}

async function showItem(config: WsConfig, { key, json }: { key: string; json: boolean }): Promise<number> {
  const reply = await fetchItem(config, key);
  if (reply.kind === "failed") return complain(reply.message, reply.exitCode);
  const { item, comments } = reply.body;
  return print(json ? printableJson({ ...asObject(item), comments }) : itemText(reply.body));
}

async function addComment(
  config: WsConfig,
  { key, body, json }: { key: string; body: string | undefined; json: boolean },
): Promise<number> {
  const text = (body ?? (await Bun.stdin.text())).trim();
  if (text === "") return complain("the comment is empty", EXIT_USAGE);
  if (Buffer.byteLength(text) > COMMENT_BYTES_MAX)
    return complain(
      `the comment has ${Buffer.byteLength(text)} bytes, over ${COMMENT_BYTES_MAX}`,
      EXIT_USAGE,
    );
  const reply = await callApi(config, "POST", `/v1/items/${key}/comments`, { body: text });
  if (reply.kind === "failed") return complain(reply.message, reply.exitCode);
  return print(json ? printableJson(reply.body) : `commented on ${key}`);
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** Control characters are data for a pipe and a weapon on a terminal: there they are taken out. */
async function print(text: string): Promise<number> {
  await Bun.write(Bun.stdout, `${process.stdout.isTTY ? printable(text) : text}\n`);
  return EXIT_OK;
}

function complain(message: string, exitCode: number): number {
  process.stderr.write(`ws: ${printable(message)}\n`);
  return exitCode;
}
