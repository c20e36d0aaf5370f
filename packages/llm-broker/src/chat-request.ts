import { z } from "zod";
import { JsonObject, list } from "./json-parts.ts";
import { OUTPUT_TOKENS_MAX } from "./llm-limits.ts";
import type { LlmTarget } from "./llm-target.ts";
import { PictureUrl, refuseUnseen } from "./picture.ts";
import { type AuthorizedCall, checkBody } from "./request-body.ts";

const TextPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const PicturePart = z.strictObject({
  type: z.literal("image_url"),
  image_url: z.strictObject({ url: PictureUrl, detail: z.enum(["auto", "low", "high"]).optional() }),
});
const ToolCall = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  index: z.int().optional(),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});
const ROLES = ["system", "developer", "user", "assistant", "tool"] as const;
const Message = z.strictObject({
  role: z.enum(ROLES),
  content: z
    .union([z.string(), z.null(), list(z.discriminatedUnion("type", [TextPart, PicturePart]))])
    .optional(),
  name: z.string().optional(),
  tool_calls: list(ToolCall).optional(),
  tool_call_id: z.string().optional(),
  refusal: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_details: z.array(z.unknown()).nullish(),
});

/** A role and a text, as nearly all messages are. */
function isPlainMessage(value: unknown): value is z.infer<typeof Message> {
  if (typeof value !== "object" || value === null) return false;
  for (const name in value) if (name !== "role" && name !== "content") return false;
  const { role, content }: { role?: unknown; content?: unknown } = value;
  return typeof content === "string" && ROLES.some((known) => known === role);
}

/** Functions only: a tool that runs at the provider (web search, code) is a way out too. */
const Tool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string(),
    description: z.string().optional(),
    parameters: JsonObject.optional(),
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
  messages: list(Message, 1, isPlainMessage),
  tools: list(Tool).optional(),
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

/**
 * Checks a chat completions request for the first target of a run.
 * @throws AppError `invalid_input` naming the field, or `forbidden` when another model is asked for
 */
export function authorizeChatRequest(text: string, target: LlmTarget): AuthorizedCall {
  const body = checkBody(text, ChatRequest, target.model);
  const { stream_options: _, max_tokens, max_completion_tokens, ...fields } = body.fields;
  const pictures = picturesOf(fields.messages);
  refuseUnseen(pictures, "messages", target.images);
  const stream = fields.stream === true;
  // One cap goes out, and it is the one that is reserved: of two, a provider may hold to either.
  const caps = [max_completion_tokens, max_tokens].filter((cap) => cap != null);
  const asked = caps.length === 0 ? undefined : Math.max(...caps);
  return {
    stream,
    pictures: pictures.length,
    pictureBytes: pictures.reduce((bytes, url) => bytes + url.length, 0),
    outputTokensMax: asked,
    bodyFor: ({ model }, baseUrl, outputTokensMax) => {
      const cap = asked ?? outputTokensMax;
      return body.write({
        ...fields,
        model,
        ...(cap === undefined ? {} : { [capField(baseUrl)]: cap }),
        // Without it a stream carries no token counts, and the ledger would stay empty.
        ...(stream ? { stream_options: { include_usage: true } } : {}),
      });
    },
  };
}

function picturesOf(messages: ChatRequest["messages"]): string[] {
  const urls: string[] = [];
  for (const { content } of messages) {
    if (!Array.isArray(content)) continue;
    for (const part of content) if (part.type === "image_url") urls.push(part.image_url.url);
  }
  return urls;
}

/** OpenAI's reasoning models refuse the old name; many servers of other makers know only that one. */
function capField(baseUrl: string): "max_completion_tokens" | "max_tokens" {
  const { hostname } = new URL(baseUrl);
  return /(^|\.)openai(\.azure)?\.com$/.test(hostname) ? "max_completion_tokens" : "max_tokens";
}
