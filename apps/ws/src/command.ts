import type { Api } from "./api.ts";
import type { Output } from "./output.ts";

/** One option of a command, such as `-m, --message TEXT`. */
export interface Option {
  name: string;
  short?: string;
  /** What its value is called in the help; without one it is a switch. */
  value?: string;
  doc: string;
  /** The values there are. */
  choices?: readonly string[];
  /** May be given several times. */
  many?: boolean;
}

/** One command: how it is called and what it does. Help, parsing and completion are made from it. */
export interface Command {
  /** `["item", "show"]` */
  words: readonly string[];
  /** Its operands as the help writes them: `[KEY]`. */
  operands?: string;
  /** Most operands it takes. */
  operandsMax?: number;
  doc: string;
  options?: readonly Option[];
  /** Runs without knowing a server. */
  local?: boolean;
  run(call: Call): Promise<number>;
}

/** What a command is run with. */
export interface Call {
  operands: readonly string[];
  /** Value of an option; the last one when it came several times. */
  option(name: string): string | undefined;
  options(name: string): readonly string[];
  has(name: string): boolean;
  env: Env;
  /** That of the environment or of the sign-in. */
  workspace: string | undefined;
  /** Calls the server. @throws WsError when no server is known or it refuses */
  api: Api;
  out: Output;
  /** Ends long commands. */
  signal: AbortSignal;
}

export type Env = Record<string, string | undefined>;

/** Ends the program with a sentence on stderr. */
export class WsError extends Error {
  override readonly name = "WsError";
  constructor(
    message: string,
    readonly exitCode: number,
    /** Whether the same call may come through in a moment. */
    readonly isPassing = false,
  ) {
    super(message);
  }
}

/** Exit codes beside those of the API's error codes. */
export const EXIT = {
  ok: 0,
  /** Wrong usage or settings; the same as `invalid_input`. */
  usage: 2,
  /** `run watch`: the run ended without success, was canceled, or waits for a person. */
  runFailed: 20,
  runCanceled: 21,
  runWaiting: 22,
  /** As shells say it: ended by Ctrl and C, or because who reads the output has had enough. */
  interrupted: 130,
  pipeClosed: 141,
  terminated: 143,
} as const;

/** A command that was written wrongly; names the help. */
export function usageError(problem: string): WsError {
  return new WsError(`${problem}; see ws help`, EXIT.usage);
}

/** Every command takes it. */
export const OUTPUT_OPTION: Option = {
  name: "output",
  short: "o",
  value: "FORMAT",
  doc: "json for programs, text for people",
  choices: ["json", "text"],
};
export const WORKSPACE_OPTION: Option = {
  name: "workspace",
  short: "w",
  value: "KEY",
  doc: "workspace; WS_WORKSPACE_KEY or that of the sign-in by default",
};
