import { z } from "zod";
import { AgentOutcome } from "./run.ts";

/** The descriptions of lines and fields are the tables of docs/agent.md. */
const line = <T extends string, F extends z.ZodRawShape>(type: T, description: string, fields: F) =>
  z.object({ type: z.literal(type), ...fields }).describe(description);

/** One line of the agent's stdin. Unknown types are ignored. Source: INTERFACES section 3. */
export const AgentInput = z.discriminatedUnion("type", [
  line("prompt", "The task. Sent once, as the first line.", {
    message: z.string().describe("What a person would be told: item, comments, instructions, skills."),
  }),
  line("message", "A person wrote while the agent works. It may come at any time after the prompt.", {
    text: z.string().describe("What they wrote."),
    id: z.string().describe("Names the message in its receipt."),
  }),
  line("abort", "Stop now. What is committed is kept.", {}),
]);
export type AgentInput = z.infer<typeof AgentInput>;

const Ms = z.number().min(0);
const Count = z.number().min(0);
const CallId = z.string().describe("The same in all lines of one call; no other call of the run has it.");
const Tool = z.string().describe("Name of the tool.");

/** One line of the agent's stdout. Unknown types are ignored; extra fields are dropped. */
export const AgentOutput = z.discriminatedUnion("type", [
  line("starting", "The first line, before anything is read. Shown in the transcript.", {
    version: z.string().optional().describe("Of the agent."),
    model: z.string().optional().describe("Model id it will ask for."),
  }),
  line(
    "content",
    "What the model says, in pieces as they come. Pieces that follow each other become one event.",
    {
      text: z.string().describe("The next piece."),
    },
  ),
  line("tool_start", "A tool begins.", {
    id: CallId,
    tool: Tool,
    args: z.json().describe("Its arguments; any JSON, an object if they can be read."),
  }),
  line(
    "tool_output",
    "What a tool that still runs prints, in pieces, for those who watch. `tool_done` has all that counts.",
    {
      id: CallId,
      text: z.string().describe("The next piece, readable: no color codes, no binary."),
    },
  ),
  line("tool_done", "A tool ended.", {
    id: CallId,
    tool: Tool,
    output: z.string().describe("What the model gets to read."),
    exit_code: z.int().optional().describe("Of a command."),
    truncated: z.boolean().optional().describe("True when `output` is not all there was."),
    duration_ms: Ms.describe("How long it took."),
  }),
  line(
    "message",
    "The agent itself has something to say to people, beside the model. Shown in the transcript.",
    {
      role: z
        .string()
        .describe(
          "`agent`; or `plan`: what it is going to do, shown above the transcript until it says another.",
        ),
      text: z.string().describe("What it says."),
    },
  ),
  line(
    "usage",
    "After each call of the model. Shown only: what a run is charged is counted by the server's broker.",
    {
      input_tokens: Count.describe("Of this call, as the provider counts them."),
      output_tokens: Count.describe("Of this call."),
      context_used: Count.describe("Tokens of the window that are taken now."),
    },
  ),
  line("compaction", "Room was made in the model's window.", {
    before: Count.describe("Tokens taken before."),
    after: Count.describe("And after."),
  }),
  line("retry", "A call of the model failed and is tried again. Becomes a warning.", {
    attempt: z.int().describe("The try that failed, from 1."),
    wait_ms: Ms.describe("Pause before the next."),
    why: z.string().describe("What happened, for people."),
  }),
  line("received", "Receipt: the message stands before the model now. Marks it as read on the run.", {
    id: z.string().describe("That of the `message` line."),
  }),
  line("error", "The run failed. Becomes a warning, and its text the reason that people read on the run.", {
    message: z.string().describe("What happened and what to do, for people."),
    code: z.string().optional().describe("For programs: see below."),
  }),
  line(
    "finish",
    "The work is over, and how. The first one counts; the runner then prepares to take the commits out.",
    {
      outcome: AgentOutcome.describe(
        "`completed`, `blocked` (what stands in the way) or `needs_info` (a question: the run waits for an answer).",
      ),
      summary: z
        .string()
        .describe("Markdown for the item and the pull request: what was done and how it was checked."),
    },
  ),
  line(
    "session_idle",
    "The last line, always. Input is closed; the agent has the grace of an abort to exit.",
    {},
  ),
]);
export type AgentOutput = z.infer<typeof AgentOutput>;

export { AGENT_EXIT } from "./agent-exit.ts";
