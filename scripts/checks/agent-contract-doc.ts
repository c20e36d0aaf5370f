import { AGENT_EXIT, AgentInput, AgentOutput } from "@windshift/contract/agent-jsonl.ts";
import { z } from "zod";

/** A block of docs/agent.md that is made from the contract. */
export interface ContractBlock {
  name: "agent-input" | "agent-output" | "agent-exit";
  text: string;
  problems: string[];
}

/** One line of each kind, as an agent of ours reads or writes it. */
const EXAMPLES: readonly (AgentInput | AgentOutput)[] = [
  { type: "prompt", message: "Work item DEMO-7: Totals lose the minutes\n\n…" },
  { type: "message", text: "Please leave the README as it is.", id: "12" },
  { type: "abort" },
  { type: "starting", version: "0.1.0", model: "gpt-5" },
  { type: "content", text: "I look at what is there and how it is tested." },
  { type: "tool_start", id: "call_1", tool: "bash", args: { command: "sh tests/run.sh" } },
  { type: "tool_output", id: "call_1", text: "ok: no-time\nok: projects\n" },
  {
    type: "tool_done",
    id: "call_1",
    tool: "bash",
    output: "…\n3 passed, 2 failed\n[exit code 1]",
    exit_code: 1,
    duration_ms: 136,
  },
  {
    type: "message",
    role: "agent",
    text: "3 files had uncommitted changes; the agent's wrap-up committed them.",
  },
  { type: "usage", input_tokens: 1760, output_tokens: 79, context_used: 1839 },
  { type: "compaction", before: 26_112, after: 11_040 },
  { type: "retry", attempt: 1, wait_ms: 512, why: "the model API answered 503: overloaded" },
  { type: "received", id: "12" },
  { type: "error", message: "not finished after 200 model calls", code: "turns_exhausted" },
  {
    type: "finish",
    outcome: "completed",
    summary: "Times are added in minutes. `sh tests/run.sh`: 6 passed.",
  },
  { type: "session_idle" },
];

const EXIT_MEANINGS: { [K in keyof typeof AGENT_EXIT]: string } = {
  ok: "A `finish` line was written. Without one the run counts as failed (`no_finish`).",
  failed:
    "An `error` line says why; the run fails with its text. With the code `no_finish` it ends as `no_finish`.",
  badSettings: "Settings are missing or bad. One line on stderr says which; nothing is written to stdout.",
  apiUnreachable:
    "No connection to the model's address could be made: the run fails as `api_unreachable` and says how to set the address.",
};

const FieldSchema = z.object({
  description: z.string().default(""),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
});
const LineSchema = z.object({
  description: z.string().default(""),
  properties: z.looseObject({ type: z.object({ const: z.string() }) }),
  required: z.array(z.string()),
});
const UnionSchema = z.object({ oneOf: z.array(LineSchema) });

/** The tables of lines and exit codes, from the schemas themselves. */
export function contractBlocks(): ContractBlock[] {
  return [
    { name: "agent-input", ...linesOf(AgentInput) },
    { name: "agent-output", ...linesOf(AgentOutput) },
    { name: "agent-exit", text: exitTable(), problems: [] },
  ];
}

function linesOf(schema: z.ZodType): { text: string; problems: string[] } {
  const { oneOf } = UnionSchema.parse(z.toJSONSchema(schema));
  const problems: string[] = [];
  const sections = oneOf.map(({ description, properties, required }) => {
    const { type, ...fields } = properties;
    const rows = Object.entries(fields).map(([name, field]) => {
      const { description: meaning, ...shape } = FieldSchema.parse(field);
      if (meaning === "") problems.push(`agent-jsonl.ts: ${type.const}.${name} has no description`);
      return `| \`${name}\` | ${shapeOf(shape)} | ${required.includes(name) ? "yes" : "no"} | ${meaning} |`;
    });
    if (description === "") problems.push(`agent-jsonl.ts: the line ${type.const} has no description`);
    const examples = EXAMPLES.filter((example) => example.type === type.const && isOf(schema, example));
    if (examples.length !== 1)
      problems.push(`agent-contract-doc.ts: ${type.const} has ${examples.length} examples, not one`);
    const table = ["| field | type | always | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
    const example = `\`\`\`json\n${JSON.stringify(examples[0])}\n\`\`\``;
    return [`### \`${type.const}\``, description, ...(rows.length > 0 ? [table] : []), example].join("\n\n");
  });
  return { text: `${sections.join("\n\n")}\n`, problems };
}

/** `message` is a line of both directions; only its own fields tell which. */
function isOf(schema: z.ZodType, example: object): boolean {
  const parsed = schema.safeParse(example);
  return parsed.success && Bun.deepEquals(parsed.data, example);
}

function shapeOf({ type, enum: values }: { type?: string | undefined; enum?: string[] | undefined }): string {
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(", ");
  return type ?? "any JSON";
}

function exitTable(): string {
  const rows = Object.entries(AGENT_EXIT).map(
    ([name, code]) => `| ${code} | ${EXIT_MEANINGS[name as keyof typeof AGENT_EXIT]} |`,
  );
  return `${["| exit code | meaning |", "| --- | --- |", ...rows].join("\n")}\n`;
}
