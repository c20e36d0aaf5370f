import { isObject, type JsonObject, parseJson } from "../json.ts";
import type { OutputStore } from "./output-store.ts";
import type { PictureBudget } from "./picture-budget.ts";
import { type ArgsOf, checkedArgs, type ParameterTable, schemaOf } from "./tool-parameters.ts";
import type { Workspace } from "./workspace.ts";

/** What a tool may use. */
export interface ToolContext {
  workspace: Workspace;
  outputs: OutputStore;
  /** Whether the model sees pictures. */
  images: boolean;
  pictures: PictureBudget;
  /** Environment of the commands the model runs. */
  env(): Record<string, string>;
  signal: AbortSignal;
  /** Shows people what a tool prints while it still runs; the model gets the result alone. */
  progress(text: string): void;
}

/** What the model reads. A failure is a text too: the model can act on it. */
export interface ToolResult {
  output: string;
  exitCode?: number;
  truncated?: boolean;
  /** The file with the whole of an output that was cut. */
  fullPath?: string | undefined;
  /** A picture the model gets beside the text. */
  image?: Picture;
}

export interface Picture {
  mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  base64: string;
}

export interface ToolSpec<P extends ParameterTable> {
  name: string;
  description: string;
  parameters: P;
  /** Brings arguments of another shape, as models send them, into that of the table. */
  reshape?(args: JsonObject): JsonObject;
  run(args: ArgsOf<P>, context: ToolContext): Promise<ToolResult> | ToolResult;
}

export interface Tool {
  name: string;
  /** As the model's API wants it. */
  definition: object;
  /** Checks the arguments and runs; bad arguments give a text that says what to write instead. */
  call(args: JsonObject, context: ToolContext): Promise<ToolResult>;
}

/** A failure as the model reads it. */
export function failed(why: string): ToolResult {
  return { output: `error: ${why}` };
}

/** A tool from one table of parameters, which is both what the model is told and what its arguments are held to. */
export function defineTool<const P extends ParameterTable>(spec: ToolSpec<P>): Tool {
  return {
    name: spec.name,
    definition: {
      type: "function",
      function: {
        name: spec.name,
        description: spec.description,
        parameters: schemaOf(spec.parameters),
      },
    },
    async call(args, context) {
      const checked = checkedArgs(spec.parameters, spec.reshape?.(args) ?? args);
      if (typeof checked === "string") return failed(`${spec.name}: ${checked}`);
      return spec.run(checked as ArgsOf<P>, context); // just held to the table it is typed by
    },
  };
}

/** Reads the text of a call's arguments. A text in place of the object is the reason why it cannot be used. */
export function parseArgs(argsText: string): JsonObject | string {
  const once = argsText.trim() === "" ? {} : parseJson(argsText);
  const args = typeof once === "string" ? parseJson(once) : once; // some servers encode the arguments twice
  if (isObject(args)) return args;
  if (args === null) return {};
  return args === undefined ? "the arguments are not valid JSON" : "the arguments must be one JSON object";
}
