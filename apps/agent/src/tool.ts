import { isObject, type Json, type JsonObject, parseJson } from "./json.ts";
import type { OutputStore } from "./output-store.ts";
import type { Workspace } from "./workspace.ts";

/** What a tool may use. */
export interface ToolContext {
  workspace: Workspace;
  outputs: OutputStore;
  /** Whether the model sees pictures. */
  images: boolean;
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
  /** A picture the model gets beside the text. */
  image?: Picture;
}

export interface Picture {
  mediaType: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  base64: string;
}

type Parameter = {
  type: "string" | "integer" | "boolean";
  description?: string;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  optional?: true;
};
type ParameterTable = Record<string, Parameter>;
type Value<P extends Parameter> = P extends { enum: readonly (infer E)[] }
  ? E
  : { string: string; integer: number; boolean: boolean }[P["type"]];
type ArgsOf<P extends ParameterTable> = {
  [K in keyof P]: Value<P[K]> | (P[K] extends { optional: true } ? undefined : never);
};

export interface ToolSpec<P extends ParameterTable> {
  name: string;
  description: string;
  parameters: P;
  run(args: ArgsOf<P>, context: ToolContext): Promise<ToolResult> | ToolResult;
}

export interface Tool {
  name: string;
  /** As the model's API wants it. */
  definition: object;
  /** Checks the arguments and runs; bad arguments give a text that says what to write instead. */
  call(args: JsonObject, context: ToolContext): Promise<ToolResult>;
}

/** A tool from one table of parameters, which is both what the model is told and what its arguments are held to. */
export function defineTool<const P extends ParameterTable>(spec: ToolSpec<P>): Tool {
  const required = Object.keys(spec.parameters).filter((name) => !spec.parameters[name]?.optional);
  const properties = Object.fromEntries(
    Object.entries(spec.parameters).map(([name, { optional: _, ...schema }]) => [name, schema]),
  );
  return {
    name: spec.name,
    definition: {
      type: "function",
      function: {
        name: spec.name,
        description: spec.description,
        parameters: { type: "object", properties, required },
      },
    },
    async call(args, context) {
      const problems = problemsOf(spec.parameters, args);
      if (problems.length > 0) return { output: `error: ${spec.name}: ${problems.join("; ")}` };
      return spec.run(args as ArgsOf<P>, context); // problemsOf has just checked it
    },
  };
}

/** Reads the text of a call's arguments. A text in place of the object is the reason why it cannot be used. */
export function parseArgs(argsText: string): JsonObject | string {
  const args = argsText.trim() === "" ? {} : parseJson(argsText);
  if (isObject(args)) return args;
  return args === undefined ? "the arguments are not valid JSON" : "the arguments must be one JSON object";
}

function problemsOf(parameters: ParameterTable, args: JsonObject): string[] {
  const problems: string[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = args[name];
    if (value === null && parameter.optional) delete args[name];
    else if (value === undefined) {
      if (!parameter.optional) problems.push(`\`${name}\` (${parameter.type}) is missing`);
    } else if (!fits(parameter, value)) problems.push(`\`${name}\` must be ${wanted(parameter)}`);
  }
  return problems;
}

function fits(parameter: Parameter, value: Json): boolean {
  if (parameter.enum !== undefined) return typeof value === "string" && parameter.enum.includes(value);
  if (parameter.type !== "integer") return typeof value === parameter.type;
  const { minimum = -Infinity, maximum = Infinity } = parameter;
  return Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum;
}

function wanted(parameter: Parameter): string {
  if (parameter.enum !== undefined) return `one of ${parameter.enum.join(", ")}`;
  const { minimum, maximum } = parameter;
  const from = minimum === undefined ? "" : ` from ${minimum}`;
  const to = maximum === undefined ? "" : ` up to ${maximum}`;
  return `of type ${parameter.type}${from}${to}`;
}
