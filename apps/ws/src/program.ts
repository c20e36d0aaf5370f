import { buildVersion } from "@windshift/base/build-version.ts";
import { createApi } from "./api.ts";
import { type Call, type Command, type Env, EXIT, WsError } from "./command.ts";
import { parseCommandLine } from "./command-line.ts";
import { readConfig } from "./config.ts";
import { commandHelp, helpText } from "./help.ts";
import { Output } from "./output.ts";
import { printable } from "./terminal.ts";

/** The whole program. Ends the process. */
export async function runWs(argv: readonly string[], commands: readonly Command[]): Promise<void> {
  process.exit(await exitCodeOf(argv, commands, process.env));
}

async function exitCodeOf(argv: readonly string[], commands: readonly Command[], env: Env): Promise<number> {
  try {
    if (
      argv.length === 0 ||
      (argv[0] === "help" && argv.length === 1) ||
      /^(?:-h|--help)$/.test(argv[0] ?? "")
    )
      return await say(helpText(commands));
    if (argv[0] === "--version") return await say(`ws ${buildVersion}`);
    const parsed = parseCommandLine(argv[0] === "help" ? [...argv.slice(1), "--help"] : argv, commands);
    if (parsed.help) return await say(commandHelp(parsed.command));
    return await parsed.command.run(callOf(parsed, env));
  } catch (error) {
    // `ws item list | head -1`: no fault, and nobody is left to tell.
    if (error instanceof Error && "code" in error && error.code === "EPIPE") return EXIT.pipeClosed;
    if (!(error instanceof WsError)) throw error;
    process.stderr.write(`ws: ${printable(error.message)}\n`);
    return error.exitCode;
  }
}

/** What a command may take to end when it is asked to, ms; one that waits for an answer or for words is not waited for. */
const ENDING_MS_MAX = 300;

function callOf({ command, operands, values }: ReturnType<typeof parseCommandLine>, env: Env): Call {
  const ending = new AbortController();
  for (const [signal, exitCode] of [
    ["SIGINT", EXIT.interrupted],
    ["SIGTERM", EXIT.terminated],
  ] as const)
    process.once(signal, () => {
      ending.abort();
      setTimeout(() => process.exit(exitCode), ENDING_MS_MAX);
    });
  const config = command.local ? undefined : readConfig(env);
  const options = (name: string) => values.get(name) ?? [];
  return {
    operands,
    options,
    option: (name) => options(name).at(-1),
    has: (name) => values.has(name),
    env,
    workspace: config?.workspace,
    api: config === undefined ? noServer : createApi(config),
    out: new Output(options("output").at(-1) === "json", process.stdout.isTTY === true, env, async (text) => {
      await Bun.write(Bun.stdout, text);
    }),
    signal: ending.signal,
  };
}

/** For commands that do not call a server, or choose one themselves. */
const noServer: Call["api"] = {
  origin: "",
  get: () => Promise.reject(new Error("this command knows no server")),
  send: () => Promise.reject(new Error("this command knows no server")),
  stream: () => Promise.reject(new Error("this command knows no server")),
};

async function say(text: string): Promise<number> {
  await Bun.write(Bun.stdout, `${text}\n`);
  return EXIT.ok;
}
