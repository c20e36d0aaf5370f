import { isDeeperThan } from "@windshift/base/json-depth.ts";
import { AppError } from "@windshift/contract/app-error.ts";
import { z } from "zod";
import { JSON_DEPTH_MAX, OUTPUT_TOKENS_MAX } from "./llm-limits.ts";

const TextPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const ToolCall = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  index: z.int().optional(),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});
/** Text only: an address of an image or a file would make the provider fetch it, which is a way out (LB-16). */
const Message = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: z.union([z.string(), z.null(), z.array(TextPart)]).optional(),
  name: z.string().optional(),
  tool_calls: z.array(ToolCall).optional(),
  tool_call_id: z.string().optional(),
  refusal: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_details: z.array(z.unknown()).nullish(),
});
/** Functions only: a tool that runs at the provider (web search, code) is a way out too. */
const Tool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string(),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});
const ToolChoice = z.union([
  z.enum(["none", "auto", "required"]),
  z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: z.string() }) }),
]);
const OutputTokens = z.int().min(1).max(OUTPUT_TOKENS_MAX);

/** The fields a run may send; any other is refused by name, because an unknown one may cost money or carry data out. */
export const ChatRequest = z.strictObject({
  model: z.string().optional(),
  messages: z.array(Message).min(1),
  tools: z.array(Tool).optional(),
  tool_choice: ToolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  max_tokens: OutputTokens.nullish(),
  max_completion_tokens: OutputTokens.nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  seed: z.int().nullish(),
  response_format: z.looseObject({ type: z.enum(["text", "json_object", "json_schema"]) }).optional(),
  reasoning_effort: z.string().max(16).nullish(),
  n: z.literal(1).optional(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** What goes to the provider: written by us from the checked value, so nothing is sent that was not checked (LB-02). */
export interface AuthorizedCall {
  body: string;
  stream: boolean;
}

/**
 * Checks a request body against the field list and the one model the run may use.
 * @throws AppError `invalid_input` naming the field, or `forbidden` when another model is asked for
 */
export function authorizeChatRequest(text: string, model: string): AuthorizedCall {
  const json = parseJson(text);
  refuseOtherModel(json, model);
  const parsed = ChatRequest.safeParse(json);
  if (!parsed.success) throw refusedFields(parsed.error);
  const { stream_options: _, ...fields } = parsed.data;
  const stream = fields.stream === true;
  return {
    stream,
    body: JSON.stringify({
      ...fields,
      model,
      // Without it a stream carries no token counts, and the ledger would stay empty.
      ...(stream ? { stream_options: { include_usage: true } } : {}),
    }),
  };
}

function parseJson(text: string): unknown {
  if (isDeeperThan(text, JSON_DEPTH_MAX)) {
    throw new AppError("invalid_input", `The request body is nested deeper than ${JSON_DEPTH_MAX} levels.`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("invalid_input", "The request body is not JSON.", { cause });
  }
}

/** Comes before the field list so that every way of asking for another model gets the same answer. */
function refuseOtherModel(json: unknown, model: string): void {
  if (typeof json !== "object" || json === null || !Object.hasOwn(json, "model")) return;
  if ("model" in json && json.model === model) return;
  throw new AppError(
    "forbidden",
    `This run may use the model ${JSON.stringify(model)} only; send that one, or leave "model" out.`,
  );
}

/** Problems shown of one body; the first few are enough to mend it. */
const PROBLEMS_MAX = 10;

function refusedFields(error: z.ZodError): AppError {
  const details = error.issues.slice(0, PROBLEMS_MAX).map((issue) => {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, PROBLEMS_MAX) : [];
    const path = [...issue.path.map(String), ...(unknown.length === 1 ? unknown : [])].join(".");
    const message = unknown.length > 0 ? `may not be sent: ${unknown.join(", ")}` : issue.message;
    return { path: path.slice(0, 200), message: message.slice(0, 500) };
  });
  const first = details[0];
  return new AppError(
    "invalid_input",
    `The request body was refused: ${first?.path || "body"}: ${first?.message ?? "not understood"}.`,
    { details },
  );
}
