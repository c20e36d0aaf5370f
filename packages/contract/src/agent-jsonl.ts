import { z } from "zod";
import { AgentOutcome } from "./run.ts";

/** One line of the agent's stdin. Unknown types are ignored. Source: INTERFACES section 3. */
export const AgentInput = z.discriminatedUnion("type", [
  z.object({ type: z.literal("prompt"), message: z.string() }),
  z.object({ type: z.literal("message"), text: z.string(), id: z.string() }),
  z.object({ type: z.literal("abort") }),
]);
export type AgentInput = z.infer<typeof AgentInput>;

const Ms = z.number().min(0);
const Count = z.number().min(0);

/** One line of the agent's stdout. Unknown types are ignored; extra fields are dropped. */
export const AgentOutput = z.discriminatedUnion("type", [
  z.object({ type: z.literal("starting"), version: z.string().optional(), model: z.string().optional() }),
  z.object({ type: z.literal("content"), text: z.string() }),
  z.object({ type: z.literal("tool_start"), id: z.string(), tool: z.string(), args: z.json() }),
  /** Output of a tool that still runs, in pieces, for those who watch; `tool_done` has all that counts. */
  z.object({ type: z.literal("tool_output"), id: z.string(), text: z.string() }),
  z.object({
    type: z.literal("tool_done"),
    id: z.string(),
    tool: z.string(),
    output: z.string(),
    exit_code: z.int().optional(),
    truncated: z.boolean().optional(),
    duration_ms: Ms,
  }),
  z.object({ type: z.literal("message"), role: z.string(), text: z.string() }),
  z.object({ type: z.literal("usage"), input_tokens: Count, output_tokens: Count, context_used: Count }),
  z.object({ type: z.literal("compaction"), before: Count, after: Count }),
  z.object({ type: z.literal("retry"), attempt: z.int(), wait_ms: Ms, why: z.string() }),
  z.object({ type: z.literal("received"), id: z.string() }),
  z.object({ type: z.literal("error"), message: z.string(), code: z.string().optional() }),
  z.object({ type: z.literal("finish"), outcome: AgentOutcome, summary: z.string() }),
  z.object({ type: z.literal("session_idle") }),
]);
export type AgentOutput = z.infer<typeof AgentOutput>;

export { AGENT_EXIT } from "./agent-exit.ts";
